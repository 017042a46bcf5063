/** The input picture, with the mass of the current step over it. */

import { paintRgb, type Theme } from "../colour";
import { el } from "../dom";
import { signed } from "../figures";
import type { Film, Flat, Frame, PictureInput } from "../film";
import { caption } from "./caption";
import { describeOverlay, flatOf, overlay, peakOf } from "./overlay";
import {
  type Blocks,
  type Box,
  cellAt,
  fieldMark,
  followKeys,
  followPointer,
  marker,
  type Place,
} from "./pointer";
import { CRISP, WIDEST } from "./signed-map";

export interface PictureView {
  film: Film;
  input: PictureInput;
  frame: Frame;
  theme: Theme;
  /** Held to the largest mass of all steps rather than to this step's own. */
  across: boolean;
  box: Box | null;
}

export interface PictureEvents {
  onHover(place: Place | null): void;
  /** The place was moved by the arrow keys. */
  onProbe(place: Place | null): void;
  /** What they walk through. */
  grid(): Blocks | null;
}

const HELP = "The input picture. Arrow keys read it pixel by pixel, Escape leaves.";

export function picture({ onHover, onProbe, grid }: PictureEvents) {
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
      "aria-label": HELP,
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
  let drawn: { frame: Frame; theme: Theme; across: boolean } | null = null;
  const stopPointer = followPointer(frame, onHover);
  const stopKeys = followKeys(frame, { grid, onPlace: onProbe });

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
      const { theme, across } = next;
      if (drawn?.frame === next.frame && drawn.theme === theme && drawn.across === across) return;
      drawn = { frame: next.frame, theme, across };
      const { kind } = next.frame.tensor;
      // Before any mass has come the picture is itself; it pales as the mass arrives.
      frame.classList.toggle("bare", kind === "none" || kind === "pending");
      flat = flatOf(next.frame, next.input);
      const peak = across ? peakOf(next.film) : null;
      veil.update({ frame: next.frame, picture: next.input, theme, peak });
      where.textContent = describeOverlay(next.frame, next.input);
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
