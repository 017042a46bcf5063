/** The input picture, with the mass of the current step over it. */

import { paintRgb, type Theme } from "../colour";
import { el } from "../dom";
import { signed } from "../figures";
import type { Film, Flat, Frame, PictureInput } from "../film";
import { caption } from "./caption";
import { describeOverlay, ELSEWHERE, flatOf, overlay, peakOf } from "./overlay";
import {
  type Box,
  cellAt,
  fieldMark,
  followKeys,
  followPointer,
  marker,
  type Place,
  type ProbeEvents,
} from "./pointer";
import { CRISP, WIDEST } from "./signed-map";

export interface PictureView {
  film: Film;
  input: PictureInput;
  frame: Frame;
  theme: Theme;
  /** Held to the largest mass of all steps rather than to this step's own. */
  across: boolean;
  /** The step is not on the way to this input. */
  bare: boolean;
  box: Box | null;
}

export interface PictureEvents {
  onHover(place: Place | null): void;
  onClick(place: Place): void;
  keys: ProbeEvents;
}

const READING =
  "The input picture. Arrow keys read it pixel by pixel, Enter selects one, Escape leaves.";
const PICKING =
  "The input picture. Arrow keys go from pixel to pixel, Enter picks one, Escape leaves.";

const DRAWN = ["frame", "theme", "across", "bare"] as const;

export function picture({ onHover, onClick, keys }: PictureEvents) {
  const head = caption("input");
  const canvas = el("canvas", { class: "under", "aria-hidden": "true" });
  const veil = overlay();
  const spot = marker();
  const field = fieldMark();
  const frame = el(
    "div",
    {
      class: "frame",
      role: "application",
      tabindex: 0,
      "aria-label": READING,
    },
    canvas,
    veil.node,
    field.node,
    spot.node,
  );
  const name = el("span", { class: "name" });
  const where = el("span");
  const node = el(
    "figure",
    { class: "bbp-map bbp-picture" },
    head.node,
    frame,
    el("div", { class: "limits" }, name, where),
  );
  let input: PictureInput | null = null;
  let flat: Flat | null = null;
  let drawn: { frame: Frame; theme: Theme; across: boolean; bare: boolean } | null = null;
  const stopPointer = followPointer(frame, onHover, onClick);
  const stopKeys = followKeys(frame, keys);

  return {
    node,
    update(next: PictureView) {
      field.show(next.box);
      if (next.input !== input) {
        input = next.input;
        const { rgb, height, width } = input;
        frame.classList.toggle("blank", rgb === null);
        paintRgb(canvas, rgb ?? new Uint8Array(0), rgb ? height : 0, rgb ? width : 0);
        // A signal is one pixel high: it needs some height to be seen.
        frame.style.aspectRatio = String(Math.min(width / height, WIDEST));
        canvas.classList.toggle("crisp", width <= CRISP);
        head.rest(input.label ?? "");
        name.textContent = name.title = input.name;
      }
      const { theme, across, bare } = next;
      const now = { frame: next.frame, theme, across, bare };
      if (drawn && DRAWN.every((key) => drawn?.[key] === now[key])) return;
      drawn = now;
      const { kind } = next.frame.tensor;
      // Before any mass has come the picture is itself; it pales as the mass arrives.
      frame.classList.toggle("bare", kind === "none" || kind === "pending");
      flat = flatOf(next.frame, next.input);
      const peak = across ? peakOf(next.film) : null;
      veil.update({ frame: next.frame, picture: next.input, theme, peak });
      where.textContent = next.bare ? ELSEWHERE : describeOverlay(next.frame, next.input);
    },
    /** Say what the keys are for. */
    pick(picking: boolean) {
      frame.setAttribute("aria-label", picking ? PICKING : READING);
    },
    /** Take the keys; whether that is possible. */
    focus(): boolean {
      frame.focus({ preventScroll: true });
      return document.activeElement === frame;
    },
    read(place: Place | null) {
      if (!input) return;
      spot.show(place, input);
      if (place === null) return head.read(null);
      const { row, column } = cellAt(place, input);
      const mass = flat ? ` ${signed(massAt(flat, place))}` : "";
      head.read(`(${row}, ${column})${mass}`);
    },
    destroy() {
      stopPointer();
      stopKeys();
    },
  };
}

/** The step's mass at a place, as far as the tile's 255 steps can tell. */
function massAt(flat: Flat, place: Place): number | null {
  const { row, column } = cellAt(place, flat);
  const code = flat.tile[row * flat.width + column] ?? 0;
  return code === 0 ? null : ((code - 128) / 127) * (flat.limit ?? 0);
}
