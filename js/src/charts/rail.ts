/**
 * The rail: output on the right, input on the left, and the bias gathered on the way between them.
 *
 * The ribbon's height is the bias part of the cut; what lies ahead of the cursor is its ghost. Below the
 * track hangs what each stop adds. Moving the cursor touches a few attributes, never the drawing.
 */

import { followWidth, prefersStill, svg, uniqueId } from "../dom";
import { compact } from "../figures";
import type { Film, Frame } from "../film";
import { HEIGHT, layOut, type RailLayout, textWidth } from "./rail-layout";

const GLIDE_MS = 130;

export interface RailEvents {
  /** A stop was asked for with the pointer; `resting` is false while the pointer is down. */
  onScrub(step: number, resting: boolean): void;
}

export function describeStep(film: Film, step: number): string {
  const frame = film.frames[step];
  if (!frame) return "no step";
  return `step ${step} of ${film.frames.length - 1}, ${frame.name}, bias arriving ${compact(frame.arriving)}`;
}

export function rail({ onScrub }: RailEvents) {
  const node = svg("svg", {
    class: "bbp-rail",
    role: "slider",
    tabindex: 0,
    height: HEIGHT,
    "aria-label": "Step from the output toward the input",
    "aria-orientation": "horizontal",
    "aria-valuemin": 0,
    "aria-valuenow": 0,
    "aria-valuemax": 0,
    "aria-valuetext": "no film yet",
  });
  const backdrop = svg("g");
  const above = clip();
  const below = clip();
  const sky = clip();
  const ground = clip();
  const positive = svg("path", { class: "ribbon", "clip-path": `url(#${above.id})` });
  const negative = svg("path", { class: "ribbon below", "clip-path": `url(#${below.id})` });
  const furniture = svg("g");
  const line = svg("line", { class: "cursor" });
  const dot = svg("circle", { class: "here-dot", r: 6 });
  const name = svg("tspan", { class: "here" });
  const gathered = svg("tspan", { class: "here-figure", dx: 8 });
  const label = svg("text", { class: "here-label", y: 14 }, name, gathered);
  const cursor = svg("g", { class: "cursor-group" }, line, dot, label);
  node.append(
    svg("defs", {}, above.node, below.node, sky.node, ground.node),
    backdrop,
    positive,
    negative,
    furniture,
    cursor,
  );

  let film: Film | null = null;
  let layout: RailLayout | null = null;
  let width = 1060;
  let step = 0;
  let at = 0;
  let glide = 0;
  let stops: Element[][] = [];

  function rebuild() {
    if (!film) return;
    layout = layOut(film.frames, width);
    node.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    node.setAttribute("aria-valuemax", String(film.frames.length - 1));
    positive.setAttribute("d", layout.area);
    negative.setAttribute("d", layout.area);
    backdrop.replaceChildren(
      svg("path", { class: "ghost", d: layout.area, "clip-path": `url(#${sky.id})` }),
      svg("path", { class: "ghost below", d: layout.area, "clip-path": `url(#${ground.id})` }),
      ...drawBraces(layout),
      ...drawEnds(layout),
    );
    sky.cover(0, 0, width, layout.zero);
    ground.cover(0, layout.zero, width, HEIGHT);
    stops = layout.xs.map((_, index) => drawStop(layout as RailLayout, index));
    furniture.replaceChildren(...drawAxes(layout), ...stops.flat());
    place(at);
    mark();
  }

  /** Put the cursor between stops: `position` may be a fraction on its way. */
  function place(position: number) {
    at = position;
    if (!layout) return;
    const { xs, zero, track } = layout;
    const from = xs[Math.floor(position)] ?? 0;
    const to = xs[Math.ceil(position)] ?? from;
    const x = from + (to - from) * (position % 1);
    above.cover(x, 0, width - x, zero);
    below.cover(x, zero, width - x, HEIGHT);
    line.setAttribute("x1", String(x));
    line.setAttribute("x2", String(x));
    line.setAttribute("y1", "22");
    line.setAttribute("y2", String(track));
    dot.setAttribute("cx", String(x));
    dot.setAttribute("cy", String(track));
    const half =
      (textWidth(name.textContent ?? "", 13) + textWidth(gathered.textContent ?? "") + 12) / 2;
    label.setAttribute("x", String(Math.max(half + 2, Math.min(width - half - 2, x))));
  }

  function mark() {
    const frame = film?.frames[step];
    if (!film || !frame) return;
    node.setAttribute("aria-valuenow", String(step));
    node.setAttribute("aria-valuetext", describeStep(film, step));
    name.textContent = frame.name;
    gathered.textContent = describeGathered(frame);
    stops.forEach((parts, index) => {
      for (const part of parts) part.classList.toggle("ahead", index > step);
    });
  }

  function go(target: number, still: boolean) {
    cancelAnimationFrame(glide);
    step = target;
    mark();
    const start = at;
    if (still || prefersStill() || !layout || Math.abs(target - start) < 1e-6) return place(target);
    const began = performance.now();
    const move = (now: number) => {
      const part = Math.min(1, Math.max(0, (now - began) / GLIDE_MS));
      place(part === 1 ? target : start + (target - start) * (1 - (1 - part) ** 3));
      if (part < 1) glide = requestAnimationFrame(move);
    };
    glide = requestAnimationFrame(move);
  }

  function stopAt(event: PointerEvent): number {
    if (!layout) return 0;
    const box = node.getBoundingClientRect();
    const x = ((event.clientX - box.left) / (box.width || width)) * width;
    const first = layout.xs[0] ?? 0;
    const gap = first - (layout.xs[1] ?? first - 1);
    return Math.max(0, Math.min(layout.xs.length - 1, Math.round((first - x) / gap)));
  }

  let held = false;
  node.addEventListener("pointerdown", (event) => {
    if (!film || event.button !== 0) return;
    held = true;
    node.setPointerCapture?.(event.pointerId);
    onScrub(stopAt(event), false);
  });
  node.addEventListener("pointermove", (event) => {
    if (held) onScrub(stopAt(event), false);
  });
  const release = (event: PointerEvent) => {
    if (!held) return;
    held = false;
    onScrub(event.type === "pointercancel" ? step : stopAt(event), true);
  };
  node.addEventListener("pointerup", release);
  node.addEventListener("pointercancel", release);

  const stopFollowing = followWidth(node, (measured) => {
    // Whole pixels, and only real changes: drawing sets the width that is being watched.
    if (Math.abs(measured - width) < 1) return;
    width = Math.floor(measured);
    rebuild();
  });

  return {
    node,
    update(next: { film: Film; step: number; still?: boolean }) {
      if (next.film !== film) {
        film = next.film;
        step = next.step;
        cancelAnimationFrame(glide);
        at = next.step;
        rebuild();
      } else if (next.step !== step) {
        go(next.step, next.still ?? false);
      }
    },
    destroy() {
      cancelAnimationFrame(glide);
      stopFollowing();
    },
  };
}

function describeGathered(frame: Frame): string {
  return `${compact(frame.cut_bias)} gathered`;
}

/** A rectangle that shows one side of the ribbon up to the cursor. */
function clip() {
  const id = uniqueId("clip");
  const area = svg("rect");
  return {
    id,
    node: svg("clipPath", { id }, area),
    cover(x: number, y: number, width: number, height: number) {
      area.setAttribute("x", String(x));
      area.setAttribute("y", String(y));
      area.setAttribute("width", String(Math.max(0, width)));
      area.setAttribute("height", String(Math.max(0, height)));
    },
  };
}

function drawAxes(layout: RailLayout): SVGElement[] {
  const first = layout.xs[0] ?? 0;
  const last = layout.xs.at(-1) ?? 0;
  const across = (y: number) =>
    svg("line", { class: "axis", x1: last - 8, x2: first + 8, y1: y, y2: y });
  return layout.zero === layout.track
    ? [across(layout.track)]
    : [across(layout.zero), across(layout.track)];
}

function drawStop(layout: RailLayout, index: number): SVGElement[] {
  const x = layout.xs[index] ?? 0;
  const bar = layout.bars[index];
  const parts: SVGElement[] = [];
  if (bar && bar.height > 0) {
    const side = bar.negative ? "added below" : "added";
    parts.push(
      svg(
        "rect",
        {
          class: side,
          x: x - bar.width / 2,
          y: layout.lane,
          width: bar.width,
          height: Math.max(bar.height, 0.75),
          rx: Math.min(1.5, bar.width / 4),
        },
        svg("title", {}, bar.says),
      ),
    );
    if (bar.figure !== null) {
      const y = layout.lane + bar.height + 12;
      parts.push(svg("text", { class: "added-figure", x, y }, bar.figure));
    }
  }
  if (layout.radius > 0) {
    parts.push(
      svg("circle", {
        class: layout.small ? "stop small" : "stop",
        cx: x,
        cy: layout.track,
        r: layout.radius,
      }),
    );
  }
  return parts;
}

function drawBraces(layout: RailLayout): SVGElement[] {
  const y = layout.brace;
  return layout.braces.flatMap(({ from, to, label }) => {
    const brace = svg("path", { class: "brace", d: `M${from},${y - 4} V${y} H${to} V${y - 4}` });
    if (label === null) return [brace];
    return [brace, svg("text", { class: "group", x: (from + to) / 2, y: y + 14 }, label)];
  });
}

function drawEnds(layout: RailLayout): SVGElement[] {
  const first = (layout.xs[0] ?? 0) + 14;
  const last = layout.end.x - 14;
  return [
    svg("text", { class: "end", x: first, y: layout.track + 4 }, "output"),
    svg("text", { class: "end input", x: last, y: layout.track + 4 }, "input"),
    svg("text", { class: "total", x: layout.end.x - 10, y: layout.end.y }, layout.end.label),
  ];
}
