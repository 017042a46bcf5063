/** A signed quantity over the input: its sum above, its limits and ramp below, its pixels on a canvas. */

import { encode, paint, paintRgb, palette, rampImage, type Theme, veil } from "../colour";
import { el } from "../dom";
import { compact, exactly, NOT_FINITE, signed } from "../figures";
import type { Figure, Grid, PictureInput } from "../film";
import type { Limits } from "../limits";
import { type Plane, spread } from "../planes";
import { caption } from "./caption";
import { type Box, cellAt, fieldMark, followPointer, marker, type Place } from "./pointer";

/** Up to this width a pixel is drawn as a square; beyond, the browser shrinks smoothly. */
export const CRISP = 112;
/** As many times as high a picture is wide at most: a signal is one pixel high and needs some height to be seen. */
export const WIDEST = 6;

export interface SignedMapView {
  name: string;
  says: string;
  /** Null: on its way. */
  plane: Plane | null;
  limits: Limits;
  sum: Figure;
  /** The film's own pixels, and how many of them a block of the plane is high and wide. */
  fine: Grid;
  block: number;
  theme: Theme;
  /** The picture to lie over, or null to stand on paper. */
  under: PictureInput | null;
  /** Whether it is the chosen one of several; null where there is nothing to choose. */
  chosen: boolean | null;
}

export interface SignedMapEvents {
  onHover(place: Place | null): void;
  onClick(place: Place): void;
  onChoose?: () => void;
}

const LABELS = ["name", "says", "plane", "sum", "chosen"] as const;
const INKS = ["plane", "theme", "under", "block"] as const;
/** Rows of the canvas that draws a signal, of one pixel's height, as bars. */
const SIGNAL = 49;

export function signedMap({ onHover, onClick, onChoose }: SignedMapEvents) {
  const head = caption("", onChoose);
  const below = el("canvas", { class: "under", "aria-hidden": "true" });
  const canvas = el("canvas", { class: "ink", role: "img" });
  const spot = marker();
  const field = fieldMark();
  const wait = el("span", { class: "wait", hidden: true }, "on its way");
  const frame = el("div", { class: "frame" }, canvas, field.node, spot.node, wait);
  const reach = el("span");
  const ramp = el("i", { class: "ramp" });
  const broken = el("span", { class: "broken", hidden: true });
  const node = el(
    "figure",
    { class: "bbp-map" },
    head.node,
    frame,
    el("div", { class: "limits" }, ramp, reach, broken),
  );
  const stopPointer = followPointer(frame, onHover, onClick);
  let view: SignedMapView | null = null;
  let painted: PictureInput | null = null;

  function label({ name, says, plane, limits, sum, chosen }: SignedMapView) {
    head.rename(name, chosen);
    head.rest(plane ? `Σ ${compact(sum)}` : "", plane ? exactly(sum) : "");
    wait.hidden = plane !== null;
    const beyond =
      limits.clipped > 0 ? `${limits.clipped} beyond the limits, drawn as if at them` : "";
    reach.textContent = plane ? `±${compact(limits.limit, 2)}` : "";
    reach.dataset.value = exactly(limits.limit);
    // Points at both ends, as on a printed colour bar: there is more beyond.
    ramp.classList.toggle("pointed", beyond !== "");
    ramp.title = beyond;
    ramp.hidden = plane === null;
    broken.hidden = limits.broken === 0;
    broken.textContent = `${limits.broken} ${NOT_FINITE}`;
    const parts = [says, `sum ${compact(sum)}`, `full colour at ${compact(limits.limit, 2)}`];
    if (beyond) parts.push(beyond);
    if (limits.broken > 0) parts.push(broken.textContent);
    canvas.setAttribute("aria-label", plane ? parts.join(", ") : `${says}, on its way`);
  }

  function ink({ plane, limits, fine, block, theme, under }: SignedMapView) {
    frame.style.aspectRatio = String(Math.min(fine.width / fine.height, WIDEST));
    frame.classList.toggle("laid", under !== null && plane !== null);
    ramp.style.backgroundImage = rampImage(theme);
    if (under && under !== painted) {
      painted = under;
      frame.prepend(below);
      const { rgb, height, width } = under;
      paintRgb(below, rgb ?? new Uint8Array(0), rgb ? height : 0, rgb ? width : 0);
      below.classList.toggle("crisp", width <= CRISP);
    }
    canvas.classList.toggle("crisp", fine.width <= CRISP || block > 1);
    if (!plane) return paint(canvas, new Uint8Array(0), 0, 0, palette(theme));
    const codes = spread(encode(plane.values, limits.limit), plane.width, fine, block);
    if (fine.height === 1) return paint(canvas, bars(codes), SIGNAL, fine.width, palette(theme));
    paint(canvas, codes, fine.height, fine.width, under ? veil(theme) : palette(theme));
  }

  /** The block of the plane at a place. */
  function at(place: Place): Figure {
    if (!view?.plane) return null;
    const { row, column } = cellAt(place, view.fine);
    const { block, plane } = view;
    return plane.values[Math.floor(row / block) * plane.width + Math.floor(column / block)] ?? null;
  }

  return {
    node,
    at,
    name: () => view?.says ?? "",
    /** Draw what a unit sees. */
    frame: (box: Box | null) => field.show(box),
    update(next: SignedMapView) {
      const before = view;
      view = next;
      const held = before !== null && same(before.limits, next.limits);
      if (!held || LABELS.some((key) => before[key] !== next[key])) label(next);
      if (!held || INKS.some((key) => before[key] !== next[key])) ink(next);
    },
    /** Show the pixel under the pointer, wherever the pointer is. */
    read(place: Place | null) {
      if (!view) return;
      spot.show(place, view.fine);
      head.read(place === null || !view.plane ? null : signed(at(place)));
    },
    destroy: stopPointer,
  };
}

function same(a: Limits, b: Limits): boolean {
  return a.limit === b.limit && a.clipped === b.clipped && a.broken === b.broken;
}

/** A row of codes as bars about a line in the middle; what is not finite marks its whole column. */
export function bars(codes: Uint8Array): Uint8Array {
  const width = codes.length;
  const middle = (SIGNAL - 1) / 2;
  const out = new Uint8Array(SIGNAL * width).fill(128);
  codes.forEach((code, column) => {
    const reach = code === 0 ? middle : Math.round((Math.abs(code - 128) / 127) * middle);
    const ink = code === 0 ? 0 : code > 128 ? 208 : 48;
    const from = code === 0 || code > 128 ? middle - reach : middle;
    const to = code === 0 || code < 128 ? middle + reach : middle;
    // A faint line where zero is.
    out[middle * width + column] = 140;
    if (code === 128) return;
    for (let row = from; row <= to; row += 1) out[row * width + column] = ink;
  });
  return out;
}
