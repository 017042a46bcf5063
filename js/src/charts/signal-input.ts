/** A signal as the network gets it, with the mass of the current step behind it, and the axis of its positions. */

import type { Theme } from "../colour";
import { el } from "../dom";
import { compact } from "../figures";
import type { Film, Flat, Frame, Grid, SignalInput } from "../film";
import { valuesOf } from "../lines";
import { caption } from "./caption";
import { ELSEWHERE, unplaced } from "./overlay";
import {
  type Box,
  cellAt,
  followKeys,
  followPointer,
  type Place,
  type ProbeEvents,
} from "./pointer";
import { laneMarks } from "./signal-trace";
import { drawLine, drawStripes, rangeOf } from "./trace";

export interface SignalInputView {
  film: Film;
  input: SignalInput;
  frame: Frame;
  fine: Grid;
  block: number;
  /** The channels are summed. */
  joined: boolean;
  theme: Theme;
  /** Held to the largest mass of all steps rather than to this step's own. */
  across: boolean;
  /** The step is not on the way to this input. */
  bare: boolean;
  box: Box | null;
  width: number;
  height: number;
}

export interface SignalInputEvents {
  onHover(place: Place | null): void;
  onClick(place: Place): void;
  keys: ProbeEvents;
}

const HELP =
  "The input signal. Arrow keys read it position by position, Enter selects one, Escape leaves.";
const PICKING = "The input signal. Arrow keys move, Enter picks a position, Escape leaves.";
/** Of labels under the line: a number, and a name. */
const NUMBER_WIDTH = 70;
const NAME_WIDTH = 34;

export function signalInput({ onHover, onClick, keys }: SignalInputEvents) {
  const head = caption("input");
  const stripes = el("canvas", { class: "stripes", "aria-hidden": "true" });
  const canvas = el("canvas", { class: "ink", "aria-hidden": "true" });
  const marks = laneMarks();
  const lanes = el("div", { class: "lane-names", "aria-hidden": "true" });
  const frame = el(
    "div",
    { class: "frame", role: "application", tabindex: 0, "aria-label": HELP },
    stripes,
    canvas,
    lanes,
    ...marks.nodes,
  );
  const axis = el("div", { class: "axis", "aria-hidden": "true" });
  const laid = el("p", { class: "soft laid", hidden: true });
  const range = el("span");
  const where = el("span");
  const node = el(
    "figure",
    { class: "bbp-map bbp-trace bbp-signal-input" },
    head.node,
    frame,
    axis,
    el("div", { class: "limits" }, range, where),
    laid,
  );
  const stopPointer = followPointer(frame, onHover, onClick);
  const stopKeys = followKeys(frame, keys);
  let view: SignalInputView | null = null;
  let values: Float32Array = new Float32Array(0);
  let flat: Flat | null = null;

  function drawInput({ input, fine, joined, width, height, theme }: SignalInputView) {
    values = valuesOf(input, joined);
    const { low, high } = rangeOf(values);
    head.rest([input.name, input.label].filter(Boolean).join(", "));
    const length = input.channels > fine.height;
    const kind = input.axes?.positions === "first" ? "features" : "channels";
    const what = length ? `length over ${input.channels} ${kind}` : "value";
    laid.textContent = laidText(input);
    laid.hidden = laid.textContent === "";
    range.textContent = `${what}, ${compact(low, 2)} to ${compact(high, 2)}`;
    frame.style.height = `${height}px`;
    drawLine(
      canvas,
      { values, lanes: fine.height, block: 1, length: fine.width },
      { width, height, theme },
    );
    lanes.hidden = fine.height === 1;
    lanes.replaceChildren(
      ...Array.from({ length: fine.height }, (_, lane) => el("span", {}, laneName(input, lane))),
    );
    axis.replaceChildren(...ticksOf(input, width));
  }

  return {
    node,
    update(next: SignalInputView) {
      const before = view;
      view = next;
      marks.field(next.box);
      if (!before || KEYS.some((key) => before[key] !== next[key])) drawInput(next);
      const { frame: step, theme, across, film } = next;
      if (before && STRIPES.every((key) => before[key] === next[key])) return;
      flat = stripeOf(step);
      drawStripes(stripes, flat, across ? peakAlong(film) : null, theme);
      where.textContent = next.bare ? ELSEWHERE : describe(step, flat);
    },
    /** Say what the keys are for. */
    pick(picking: boolean) {
      frame.setAttribute("aria-label", picking ? PICKING : HELP);
    },
    /** Take the keys; whether that is possible. */
    focus(): boolean {
      frame.focus({ preventScroll: true });
      return document.activeElement === frame;
    },
    read(place: Place | null) {
      if (!view) return;
      marks.show(place, view.fine, view.block);
      if (place === null) return head.read(null);
      const { row, column } = cellAt(place, view.fine);
      head.read(compact(values[row * view.fine.width + column] ?? null));
    },
    destroy() {
      stopPointer();
      stopKeys();
    },
  };
}

const STRIPES = ["frame", "theme", "across", "bare"] as const;
const KEYS = ["input", "joined", "width", "height", "theme"] as const;

export function laneName({ lanes }: SignalInput, lane: number): string {
  return lanes?.[lane] ?? `channel ${lane}`;
}

const LINEAR = new Set(["addmm", "mm", "linear", "bmm", "baddbmm"]);

/** What only the network's first op says of the two axes, or nothing does: the reader may know better. */
function laidText({ axes, channels, length, names, lanes }: SignalInput): string {
  // Whoever named the positions or the channels has told which is which.
  if (axes === null || names !== null || lanes !== null) return "";
  const { told } = axes;
  if (told === null)
    return "The network does not tell which axis is which: the last is taken for positions.";
  if (!LINEAR.has(told)) return "";
  return `Read as ${length} positions of ${channels} features: a linear layer mixes the last axis first.`;
}

/** The mass of a step where it lies along the line. */
function stripeOf({ grid, tensor }: Frame): Flat | null {
  const flat = tensor.kind === "maps" && grid.placed ? tensor.flat : null;
  return flat?.height === 1 ? flat : null;
}

const peaks = new WeakMap<Film, number>();

/** The largest mass per length of any step, times the whole length. */
function peakAlong(film: Film): number {
  const known = peaks.get(film);
  if (known !== undefined) return known;
  const sizes = film.frames.map((frame) => {
    const flat = stripeOf(frame);
    return flat ? (flat.limit ?? 0) * flat.width : 0;
  });
  const peak = sizes.reduce((most, size) => Math.max(most, size), 0);
  peaks.set(film, peak);
  return peak;
}

function describe({ tensor }: Frame, flat: Flat | null): string {
  if (tensor.kind === "none") return "no mass yet";
  if (tensor.kind === "pending") return "mass on its way";
  return flat ? `mass on ${flat.width}` : unplaced(tensor);
}

/** Labels under the line: names where each has room, else round numbers of positions. */
function ticksOf(
  { names, width: count, block, length }: SignalInput,
  width: number,
): HTMLElement[] {
  if (names && count * NAME_WIDTH <= width) {
    return names.map((name, place) => {
      const node = el("span", { class: "slot", title: name }, name);
      node.style.left = `${(place / count) * 100}%`;
      node.style.width = `${100 / count}%`;
      return node;
    });
  }
  const most = Math.max(1, Math.floor(width / NUMBER_WIDTH));
  const step = roundStep(length / most);
  return Array.from({ length: Math.floor((length - 1) / step) + 1 }, (_, index) => {
    const part = (index * step + 0.5) / block / count;
    const node = el("span", {}, String(index * step));
    node.style.left = `${part * 100}%`;
    // A label at an end stays inside.
    const shift = part < 0.02 ? 0 : part > 0.98 ? 100 : 50;
    node.style.transform = `translateX(-${shift}%)`;
    return node;
  });
}

function roundStep(least: number): number {
  const ten = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((times) => times * ten).find((step) => step >= least) ?? ten * 10;
}
