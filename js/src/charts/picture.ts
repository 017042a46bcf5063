/** The input picture, with the mass of the current step over it and a slider for how much of each. */

import { paintRgb, type Theme } from "../colour";
import { el } from "../dom";
import { signed } from "../figures";
import type { Flat, Frame, PictureInput } from "../film";
import { caption } from "./caption";
import { describeOverlay, flatOf, overlay } from "./overlay";
import { cellAt, followPointer, marker, type Place } from "./pointer";
import { CRISP } from "./signed-map";

export interface PictureView {
  input: PictureInput;
  frame: Frame;
  theme: Theme;
}

export function picture({ onHover }: { onHover(place: Place | null): void }) {
  const head = caption("input");
  const canvas = el("canvas", { class: "under", role: "img", "aria-label": "the input picture" });
  const veil = overlay();
  const spot = marker();
  const frame = el("div", { class: "frame" }, canvas, veil.node, spot.node);
  const name = el("span", { class: "name" });
  const where = el("span");
  const node = el(
    "figure",
    { class: "bbp-map bbp-picture" },
    head.node,
    frame,
    el("div", { class: "limits" }, name, where),
  );
  const stopPointer = followPointer(frame, onHover);
  let input: PictureInput | null = null;
  let flat: Flat | null = null;
  let drawn: { frame: Frame; theme: Theme } | null = null;

  return {
    node,
    update(next: PictureView) {
      if (next.input !== input) {
        input = next.input;
        const { rgb, height, width } = input;
        frame.classList.toggle("blank", rgb === null);
        paintRgb(canvas, rgb ?? new Uint8Array(0), rgb ? height : 0, rgb ? width : 0);
        // A signal is one pixel high: it needs some height to be seen.
        frame.style.aspectRatio = String(Math.min(width / height, 6));
        canvas.classList.toggle("crisp", width <= CRISP);
        head.rest(input.label ?? "");
        name.textContent = input.name;
        name.title = input.name;
      }
      if (drawn?.frame === next.frame && drawn.theme === next.theme) return;
      drawn = { frame: next.frame, theme: next.theme };
      // Before any mass has come the picture is itself; it pales as the mass arrives.
      frame.classList.toggle("bare", next.frame.mass.kind === "none");
      flat = flatOf(next.frame, next.input);
      veil.update({ frame: next.frame, picture: next.input, theme: next.theme });
      where.textContent = describeOverlay(next.frame, next.input);
    },
    /** 0 shows the picture alone, 1 the mass alone. */
    blend(part: number) {
      frame.style.setProperty("--bbp-blend", String(part));
    },
    read(place: Place | null) {
      if (!input) return;
      spot.show(place, input);
      if (place === null) return head.read(null);
      const { row, column } = cellAt(place, input);
      const mass = flat ? ` ${signed(massAt(flat, place))}` : "";
      head.read(`(${row}, ${column})${mass}`);
    },
    destroy: stopPointer,
  };
}

function massAt(flat: Flat, place: Place): number | null {
  const { row, column } = cellAt(place, flat);
  const code = flat.tile[row * flat.width + column] ?? 0;
  return code === 0 ? null : ((code - 128) / 127) * (flat.limit ?? 0);
}
