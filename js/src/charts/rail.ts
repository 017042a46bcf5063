/**
 * The rail: output on the right, input on the left, and the bias gathered on the way between them.
 *
 * The ribbon's height is the bias part of the cut; what lies ahead of the cursor is its ghost. Below the
 * track hangs what each stop adds. Moving the cursor touches a few attributes, never the drawing. Stops are
 * selected for the plan with shift (a range) and ctrl or cmd (one), by pointer or by arrow keys and Enter.
 */

import { el, followSize, prefersStill, svg, uniqueId } from "../dom";
import { compact } from "../figures";
import { type Film, type Level, type Stop, stopAt } from "../film";
import type { Look, OnLook } from "../look";
import { stepName } from "../names";
import { partingStrip } from "./parting";
import { HEIGHT, layOut, type RailLayout, railStops, textWidth } from "./rail-layout";
import { describePlan, plannedAt, sumsAt } from "./stops";

const GLIDE_MS = 130;
/** As wide as the boldest of the usual fonts makes 13 pixels. */
const BOLD = 17;

export interface RailEvents {
  /** A stop was asked for with the pointer; `resting` is false while the pointer is down. */
  onScrub(frame: number, resting: boolean): void;
  onLook: OnLook;
}

export interface RailView {
  films: (Film | null)[];
  look: Look;
  /** Jump rather than glide. */
  still?: boolean;
}

/** What the slider says: counted in stops of the level. */
export function describeStep(film: Film, level: Level, frame: number): string {
  const stops = film.levels[level];
  const index = stopAt(stops, frame);
  const stop = stops[index];
  if (!stop) return "no step";
  const { arriving } = sumsAt(film, level, index);
  return `step ${index} of ${stops.length - 1}, ${called(film, level, stop)}, bias arriving ${compact(arriving)}`;
}

/** A block is more than the op of its last frame. */
function called(film: Film, level: Level, stop: Stop): string {
  return level === "blocks" ? stop.name : stepName(stop.name, film.frames[stop.frame]?.op);
}

export function rail({ onScrub, onLook }: RailEvents) {
  const slider = svg("svg", {
    class: "bbp-rail",
    role: "slider",
    tabindex: 0,
    height: HEIGHT,
    "aria-label": "Step from the output toward the input",
    "aria-description": "Shift with the arrow keys selects stops for the plan, Enter one of them",
    "aria-orientation": "horizontal",
    "aria-valuemin": 0,
    "aria-valuenow": 0,
    "aria-valuemax": 0,
    "aria-valuetext": "no film yet",
  });
  const backdrop = svg("g");
  const picks = svg("g");
  const above = clip();
  const below = clip();
  const sky = clip();
  const ground = clip();
  const positive = svg("path", { class: "ribbon", "clip-path": `url(#${above.id})` });
  const negative = svg("path", { class: "ribbon below", "clip-path": `url(#${below.id})` });
  const furniture = svg("g");
  const plans = svg("g");
  const line = svg("line", { class: "cursor", y1: 22 });
  const dot = svg("circle", { class: "here-dot", r: 6 });
  const name = svg("tspan", { class: "here" });
  const gathered = svg("tspan", { class: "here-figure", dx: 8 });
  const label = svg("text", { class: "here-label", y: 14 }, name, gathered);
  slider.append(
    svg("defs", {}, above.node, below.node, sky.node, ground.node),
    picks,
    backdrop,
    positive,
    negative,
    furniture,
    plans,
    svg("g", { class: "cursor-group" }, line, dot, label),
  );
  const strip = partingStrip();
  const node = el("div", { class: "bbp-track" }, slider, strip.node);

  let film: Film | null = null;
  let look: Look | null = null;
  let layout: RailLayout | null = null;
  let width = 1060;
  /** Everything is drawn as large as text is. */
  let zoom = 1;
  let step = 0;
  let at = 0;
  let glide = 0;
  let half = 0;
  let stops: Element[][] = [];
  /** Where a range of selected stops begins. */
  let anchor: number | null = null;

  const stopsHere = () => (film && look ? film.levels[look.level] : []);

  function rebuild() {
    if (!film || !look) return;
    layout = layOut(railStops(film, look.level), width);
    slider.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    slider.setAttribute("height", String(HEIGHT * zoom));
    slider.setAttribute("aria-valuemax", String(layout.xs.length - 1));
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
    line.setAttribute("y2", String(layout.track));
    dot.setAttribute("cy", String(layout.track));
    stops = layout.xs.map((_, index) => drawStop(layout as RailLayout, index));
    stops.forEach((parts, index) => {
      shade(parts, index > step);
    });
    furniture.replaceChildren(...drawAxes(layout), ...stops.flat());
    drawPlans();
    drawPicks();
    mark(step);
    place(at);
  }

  function drawPlans() {
    const lane = look?.lanes[look.lane];
    if (!film || !look || !layout || !lane) return plans.replaceChildren();
    const { xs, track } = layout;
    const planned = plannedAt(film, lane);
    const marks = planned.size === 0 ? [] : stopsHere();
    plans.replaceChildren(
      ...marks.flatMap(({ name: where }, index) => {
        const says = describePlan(film as Film, (look as Look).level, index, planned);
        if (says === null) return [];
        const x = xs[index] ?? 0;
        const d = `M${x - 5},${track} L${x},${track - 5} L${x + 5},${track} L${x},${track + 5} Z`;
        return [
          svg("path", { class: "planned", d }, svg("title", {}, `plan at ${where}: ${says}`)),
        ];
      }),
    );
  }

  function drawPicks() {
    if (!layout || !look) return;
    const { xs, gap, track } = layout;
    const reach = Math.min(9, Math.max(1.5, gap * 0.45));
    const chosen = new Set(look.stops);
    const marks = stopsHere().flatMap(({ frame }, index) => {
      if (!chosen.has(frame)) return [];
      const x = (xs[index] ?? 0) - reach;
      return [
        svg("rect", { class: "picked", x, y: track - 8, width: 2 * reach, height: 52, rx: 3 }),
      ];
    });
    picks.replaceChildren(...marks);
  }

  /** Put the cursor between stops: `position` may be a fraction on its way. */
  function place(position: number) {
    at = position;
    if (!layout) return;
    const { xs, zero } = layout;
    const from = xs[Math.floor(position)] ?? 0;
    const to = xs[Math.ceil(position)] ?? from;
    const x = from + (to - from) * (position % 1);
    above.cover(x, 0, width - x, zero);
    below.cover(x, zero, width - x, HEIGHT);
    line.setAttribute("x1", String(x));
    line.setAttribute("x2", String(x));
    dot.setAttribute("cx", String(x));
    // At an edge it stands on the edge itself, since how wide it is can only be guessed without a layout.
    const edge = x < half ? "start" : x > width - half ? "end" : null;
    label.setAttribute("x", String(edge === "start" ? 4 : edge === "end" ? width - 4 : x));
    label.style.textAnchor = edge ?? "middle";
  }

  /** Name the stop at the cursor; of the stops only those that the cursor passed are touched. */
  function mark(before: number) {
    const stop = stopsHere()[step];
    if (!film || !look || !stop) return;
    const picked = look.stops.includes(stop.frame) ? ", selected" : "";
    slider.setAttribute("aria-valuenow", String(step));
    slider.setAttribute("aria-valuetext", `${describeStep(film, look.level, stop.frame)}${picked}`);
    name.textContent = called(film, look.level, stop);
    gathered.textContent = `${compact(film.frames[stop.frame]?.cut_bias ?? null)} gathered`;
    half = (textWidth(name.textContent, BOLD) + textWidth(gathered.textContent ?? "", 13) + 12) / 2;
    for (let index = Math.min(before, step); index <= Math.max(before, step); index += 1) {
      shade(stops[index] ?? [], index > step);
    }
  }

  function go(target: number, still: boolean) {
    cancelAnimationFrame(glide);
    const before = step;
    step = target;
    mark(before);
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

  const frameOf = (index: number) => stopsHere()[index]?.frame ?? 0;

  function under(event: PointerEvent): number {
    if (!layout) return 0;
    const box = slider.getBoundingClientRect();
    const x = ((event.clientX - box.left) / (box.width || width)) * width;
    const first = layout.xs[0] ?? 0;
    return Math.max(0, Math.min(layout.xs.length - 1, Math.round((first - x) / layout.gap)));
  }

  function rangeOf(from: number, to: number): number[] {
    return stopsHere()
      .slice(Math.min(from, to), Math.max(from, to) + 1)
      .map(({ frame }) => frame);
  }

  function toggle(index: number) {
    if (!look) return;
    const frame = frameOf(index);
    const others = look.stops.filter((one) => one !== frame);
    const added = others.length === look.stops.length;
    anchor = added ? index : null;
    onLook({ stops: added ? [...others, frame].sort((a, b) => a - b) : others });
  }

  /** What the pointer that is down does: moves the cursor, or draws a range from the stop it was put on. */
  let held: "scrub" | { from: number; pressed: number } | null = null;

  slider.addEventListener("pointerdown", (event) => {
    if (!film || !look || event.button !== 0) return;
    const index = under(event);
    if (event.ctrlKey || event.metaKey) return toggle(index);
    slider.setPointerCapture?.(event.pointerId);
    if (event.shiftKey) {
      // The browser would select the text between two clicks.
      event.preventDefault();
      slider.focus({ preventScroll: true });
      const from = look.stops.length > 0 && anchor !== null ? anchor : step;
      held = { from, pressed: index };
      onLook({ stops: rangeOf(from, index) }, true);
      return;
    }
    held = "scrub";
    onScrub(frameOf(index), false);
  });
  slider.addEventListener("pointermove", (event) => {
    if (held === null) return;
    const index = under(event);
    if (held === "scrub") return onScrub(frameOf(index), false);
    // Dragged away: the range is from where the hand came down, not from the stop selected before.
    if (index !== held.pressed) held.from = held.pressed;
    onLook({ stops: rangeOf(held.from, index) }, true);
  });
  const release = (event: PointerEvent) => {
    if (held === null) return;
    const index = event.type === "pointercancel" ? step : under(event);
    const was = held;
    held = null;
    if (was === "scrub") return onScrub(frameOf(index), true);
    anchor = was.from;
    onLook({
      stops: event.type === "pointercancel" ? (look?.stops ?? []) : rangeOf(was.from, index),
    });
  };
  slider.addEventListener("pointerup", release);
  slider.addEventListener("pointercancel", release);

  slider.addEventListener("keydown", (event) => {
    if (!look || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = stopsHere().length - 1;
    const asked = { ArrowLeft: step + 1, ArrowRight: step - 1, Home: 0, End: last }[event.key];
    const keep = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (event.shiftKey && asked !== undefined) {
      keep();
      const target = Math.max(0, Math.min(last, asked));
      if (anchor === null || look.stops.length === 0) anchor = step;
      const stops = rangeOf(anchor, target);
      onScrub(frameOf(target), true);
      onLook({ stops });
    } else if (event.key === "Enter") {
      keep();
      toggle(step);
    } else if (event.key === "Escape" && look.stops.length > 0) {
      keep();
      anchor = null;
      onLook({ stops: [] });
    }
  });

  const stopFollowing = followSize(node, (measured, scale) => {
    // Whole pixels, and only real changes: drawing sets the width that is being watched.
    if (Math.abs(measured / scale - width) < 1 && scale === zoom) return;
    zoom = scale;
    width = Math.floor(measured / scale);
    rebuild();
    strip.resize(width, zoom);
  });

  return {
    node,
    slider,
    focus: (options?: FocusOptions) => slider.focus(options),
    update(next: RailView) {
      const before = look;
      look = next.look;
      // While a lane is on its way the last good film stays.
      const shown = next.films[look.lane] ?? film;
      if (!shown) return;
      const target = stopAt(shown.levels[look.level], look.step);
      if (shown !== film || look.level !== before?.level) {
        cancelAnimationFrame(glide);
        film = shown;
        step = target;
        at = target;
        if (look.level !== before?.level) anchor = null;
        rebuild();
      } else {
        if (look.lanes !== before.lanes || look.lane !== before.lane) drawPlans();
        if (look.stops !== before.stops) drawPicks();
        if (target !== step) go(target, next.still ?? false);
        else if (look.stops !== before.stops) mark(step);
      }
      strip.update({ films: next.films, look, at: target });
    },
    destroy() {
      cancelAnimationFrame(glide);
      stopFollowing();
    },
  };
}

function shade(parts: Element[], ahead: boolean): void {
  for (const part of parts) part.classList.toggle("ahead", ahead);
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
  const broken = layout.broken.map(({ x, says }) =>
    svg(
      "rect",
      { class: "not-finite", x: x - 3.5, y: layout.zero - 13, width: 7, height: 7 },
      svg("title", {}, says),
    ),
  );
  const lines = layout.zero === layout.track ? [layout.track] : [layout.zero, layout.track];
  return [...lines.map(across), ...broken];
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
    ...layout.end.lines.map((line, index, { length }) =>
      svg(
        "text",
        { class: "total", x: layout.end.x - 10, y: layout.end.y + 13 * (index + 1 - length) },
        line,
      ),
    ),
  ];
}
