/** One quantity along the positions of a signal: its sum above, bars in lanes, its limits below. */

import type { Theme } from "../colour";
import { el } from "../dom";
import { compact, exactly, NOT_FINITE, signed } from "../figures";
import type { Figure, Grid, SignalInput } from "../film";
import { caption } from "./caption";
import type { Part } from "./gallery-shown";
import { type Box, cellAt, fieldMark, followPointer, type Place } from "./pointer";
import { drawBars } from "./trace";

export interface TraceView extends Part {
  /** Lanes and places, and how many places a bar stands for. */
  fine: Grid;
  block: number;
  input: SignalInput;
  /** In pixels of the page. */
  width: number;
  height: number;
  theme: Theme;
}

export interface TraceEvents {
  onHover(place: Place | null): void;
  onClick(place: Place): void;
  onChoose?: () => void;
}

/** What is laid over lanes: where the pointer is, and what a unit sees. */
export function laneMarks() {
  const rule = el("i", { class: "rule", hidden: true });
  const field = fieldMark();
  return {
    nodes: [field.node, rule] as const,
    field: (box: Box | null) => field.show(box),
    show(place: Place | null, fine: Grid, block: number) {
      rule.hidden = place === null;
      if (place === null) return;
      const { row, column } = cellAt(place, fine);
      const from = Math.floor(column / block) * block;
      const to = Math.min(fine.width, from + block);
      rule.style.left = `${(from / fine.width) * 100}%`;
      // Never narrower than the eye can find.
      rule.style.width = `max(2px, ${((to - from) / fine.width) * 100}%)`;
      rule.style.top = `${(row / fine.height) * 100}%`;
      rule.style.height = `${100 / fine.height}%`;
    },
  };
}

export function signalTrace({ onHover, onClick, onChoose }: TraceEvents) {
  const head = caption("", onChoose);
  const canvas = el("canvas", { class: "ink", role: "img" });
  const marks = laneMarks();
  const wait = el("span", { class: "wait", hidden: true }, "on its way");
  const frame = el("div", { class: "frame" }, canvas, ...marks.nodes, wait);
  const reach = el("span");
  const broken = el("span", { class: "broken", hidden: true });
  const node = el(
    "figure",
    { class: "bbp-map bbp-trace" },
    head.node,
    frame,
    el("div", { class: "limits" }, reach, broken),
  );
  const stopPointer = followPointer(frame, onHover, onClick);
  let view: TraceView | null = null;

  function at(place: Place): Figure {
    if (!view?.plane) return null;
    const { row, column } = cellAt(place, view.fine);
    const { plane, block } = view;
    return plane.values[row * plane.width + Math.floor(column / block)] ?? null;
  }

  function label({ name, says, plane, limits, sum, chosen }: TraceView) {
    head.rename(name, chosen);
    head.rest(plane ? `Σ ${compact(sum)}` : "", plane ? exactly(sum) : "");
    wait.hidden = plane !== null;
    reach.textContent = plane ? `±${compact(limits.limit, 2)}` : "";
    reach.dataset.value = exactly(limits.limit);
    const beyond = limits.clipped > 0 ? `, ${limits.clipped} beyond, drawn as if at them` : "";
    if (beyond && plane) reach.textContent += beyond;
    broken.hidden = limits.broken === 0;
    broken.textContent = `${limits.broken} ${NOT_FINITE}`;
    const parts = [
      says,
      `sum ${compact(sum)}`,
      `whole bar at ${compact(limits.limit, 2)}${beyond}`,
    ];
    if (limits.broken > 0) parts.push(broken.textContent);
    canvas.setAttribute("aria-label", plane ? parts.join(", ") : `${says}, on its way`);
  }

  return {
    node,
    at,
    name: () => view?.says ?? "",
    frame: marks.field,
    update(next: TraceView) {
      const before = view;
      view = next;
      if (before && KEYS.every((key) => before[key] === next[key]) && same(before, next)) return;
      label(next);
      const { plane, fine, block, width, height, theme, limits } = next;
      frame.style.height = `${height}px`;
      const values = plane?.values ?? new Float32Array(0);
      const row = { values, lanes: fine.height, block, length: fine.width };
      drawBars(canvas, row, limits.limit, { width, height, theme });
    },
    read(place: Place | null) {
      if (!view) return;
      marks.show(place, view.fine, view.block);
      head.read(place === null || !view.plane ? null : signed(at(place)));
    },
    destroy: stopPointer,
  };
}

const KEYS = [
  "name", "says", "plane", "sum", "chosen", "block", "input", "width", "height", "theme",
] as const; // biome-ignore format: a list

function same({ limits: a }: TraceView, { limits: b }: TraceView): boolean {
  return a.limit === b.limit && a.clipped === b.clipped && a.broken === b.broken;
}
