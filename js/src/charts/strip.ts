/** Many signed values in a row, as bars about a line: what a layer holds that has no places. */

import type { Theme } from "../colour";
import { el } from "../dom";

/** A few values make bars, not blocks. */
const WIDEST = 28;

/** What bars are drawn with. */
export const INK: Record<
  Theme,
  { positive: string; negative: string; line: string; broken: string; value: string }
> = {
  light: {
    positive: "#b24016",
    negative: "#1e54a0",
    line: "#b9bcc0",
    broken: "#7e2ea0",
    value: "#1f2328",
  },
  dark: {
    positive: "#e8794a",
    negative: "#6ea4ee",
    line: "#4a525b",
    broken: "#c470e8",
    value: "#e6e9ec",
  },
};

export interface StripView {
  values: Float32Array;
  /** Which value stands where, from left to right. */
  order: readonly number[];
  width: number;
  height: number;
  theme: Theme;
}

export interface StripEvents {
  says: string;
  /** A place in the order, or none. */
  onPoint(place: number | null): void;
  onPick(place: number): void;
  onReach(place: number): void;
}

const MOVES: Record<string, number> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
};

export function strip({ says, onPoint, onPick, onReach }: StripEvents) {
  const canvas = el("canvas", { "aria-hidden": "true" });
  const spot = el("i", { class: "rule", hidden: true });
  const pick = el("i", { class: "rule picked", hidden: true });
  const node = el(
    "div",
    { class: "bbp-strip", role: "slider", tabindex: 0, "aria-label": says, "aria-valuemin": 0 },
    canvas,
    pick,
    spot,
  );
  let view: StripView | null = null;
  let bins: Bin[] = [];
  let step = 1;
  let at = 0;
  let keyed = false;
  /** Where the pointer rests, so that what it reads follows the bars. */
  let across: number | null = null;

  function place(mark: HTMLElement, index: number | null) {
    mark.hidden = index === null || !view;
    if (index === null || !view) return;
    const bin = Math.floor((index / view.order.length) * bins.length);
    mark.style.transform = `translateX(${bin * step}px)`;
    mark.style.width = `${Math.max(3, step - 1)}px`;
  }

  function point(index: number | null) {
    place(spot, index);
    onPoint(index);
  }

  function hit(event: MouseEvent): number | null {
    across = event.clientX - node.getBoundingClientRect().left;
    return under(across);
  }

  function under(x: number): number | null {
    const bin = bins[Math.floor(x / step)];
    return x < 0 || !bin ? null : bin.largest;
  }

  node.addEventListener("pointermove", (event) => {
    keyed = false;
    point(hit(event));
  });
  node.addEventListener("pointerleave", () => {
    across = null;
    point(null);
  });
  node.addEventListener("click", (event) => {
    const index = hit(event);
    if (index === null) return;
    at = index;
    onPick(index);
  });
  node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !view) return;
    const last = view.order.length - 1;
    const move = MOVES[event.key];
    if (event.key === "Enter") onPick(at);
    else if (event.key === "Escape" && keyed) {
      keyed = false;
      point(null);
    } else {
      if (move !== undefined) at = Math.min(last, Math.max(0, at + move));
      else if (event.key === "Home") at = 0;
      else if (event.key === "End") at = last;
      else return;
      keyed = true;
      point(at);
      onReach(at);
    }
    event.preventDefault();
    event.stopPropagation();
  });
  node.addEventListener("focusout", () => {
    if (!keyed) return;
    keyed = false;
    point(null);
  });

  function draw({ values, order, width, height, theme }: StripView) {
    const dense = Math.max(1, globalThis.devicePixelRatio || 1);
    canvas.width = Math.round(width * dense);
    canvas.height = Math.round(height * dense);
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    const columns = Math.max(1, Math.min(order.length, Math.floor(width)));
    bins = binned(values, order, columns);
    step = Math.min(WIDEST, width / columns);
    if (!context) return;
    context.setTransform(dense, 0, 0, dense, 0, 0);
    context.clearRect(0, 0, width, height);
    const lowest = bins.reduce((least, bin) => Math.min(least, bin.low), 0);
    const highest = bins.reduce((most, bin) => Math.max(most, bin.high), 0);
    // The line stands where zero is: in the middle only when both signs are there.
    const room = height - 4;
    const span = highest - lowest || 1;
    const zero = 2 + (highest / span) * room;
    // Bars end on whole pixels of the screen: half ones would make a pattern that is not in the numbers.
    const gap = step > 3 ? 1 : 0;
    const edge = (place: number) => Math.round(place * step * dense) / dense;
    const ink = INK[theme];
    context.fillStyle = ink.line;
    context.fillRect(0, zero - 0.5, width, 1);
    bins.forEach((bin, index) => {
      const x = edge(index);
      const thick = Math.max(1 / dense, edge(index + 1) - x - gap);
      if (bin.broken) {
        context.fillStyle = ink.broken;
        context.fillRect(x, 0, thick, height);
        return;
      }
      context.fillStyle = ink.positive;
      context.fillRect(x, zero - (bin.high / span) * room, thick, (bin.high / span) * room);
      context.fillStyle = ink.negative;
      context.fillRect(x, zero, thick, (-bin.low / span) * room);
    });
  }

  return {
    node,
    update(next: StripView) {
      view = next;
      at = Math.min(at, Math.max(0, next.order.length - 1));
      draw(next);
      node.setAttribute("aria-valuemax", String(Math.max(0, next.order.length - 1)));
      if (across !== null) point(under(across));
      else if (keyed) point(at);
    },
    /** The bars are put away: nothing is under the pointer any more. */
    clear() {
      if (!spot.hidden) point(null);
      across = null;
      keyed = false;
    },
    /** What the thumb is on, in words. */
    reach(index: number, text: string) {
      node.setAttribute("aria-valuenow", String(index));
      node.setAttribute("aria-valuetext", text);
    },
    select(index: number | null) {
      place(pick, index);
    },
    get at() {
      return at;
    },
  };
}

interface Bin {
  low: number;
  high: number;
  /** The place of the value with the largest magnitude: what a click there means. */
  largest: number;
  broken: boolean;
}

/** Where there are more values than pixels, a column shows the extremes of those it stands for. */
function binned(values: Float32Array, order: readonly number[], columns: number): Bin[] {
  const bins: Bin[] = Array.from({ length: columns }, (_, index) => ({
    low: 0,
    high: 0,
    largest: Math.ceil((index * order.length) / columns),
    broken: false,
  }));
  order.forEach((channel, place) => {
    const value = values[channel] ?? 0;
    const bin = bins[Math.floor((place / order.length) * columns)];
    if (!bin) return;
    if (!Number.isFinite(value)) {
      bin.broken = true;
      bin.largest = place;
      return;
    }
    if (!bin.broken && Math.abs(value) > Math.max(bin.high, -bin.low)) bin.largest = place;
    bin.low = Math.min(bin.low, value);
    bin.high = Math.max(bin.high, value);
  });
  return bins;
}
