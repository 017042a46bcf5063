/** A signed quantity over the input: its sum above, its limits and ramp below, its pixels on a canvas. */

import { encode, paint, palette, rampImage, type Theme } from "../colour";
import { el } from "../dom";
import { compact, exactly, NOT_FINITE, signed } from "../figures";
import type { Figure, Grid } from "../film";
import type { Limits } from "../limits";
import { caption } from "./caption";
import { cellAt, followPointer, marker, type Place } from "./pointer";

/** Up to this width a pixel is drawn as a square; beyond, the browser shrinks smoothly. */
export const CRISP = 112;

export interface SignedMapView extends Grid {
  values: Float32Array;
  limits: Limits;
  sum: Figure;
  theme: Theme;
}

export interface SignedMapEvents {
  title: string;
  says: string;
  onHover(place: Place | null): void;
}

export function signedMap({ title, says, onHover }: SignedMapEvents) {
  const head = caption(title);
  const canvas = el("canvas", { role: "img", "aria-label": says });
  const spot = marker();
  const frame = el("div", { class: "frame" }, canvas, spot.node);
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
  const stopPointer = followPointer(frame, onHover);
  let view: SignedMapView | null = null;

  return {
    node,
    update(next: SignedMapView) {
      view = next;
      const { values, height, width, limits, sum, theme } = next;
      paint(canvas, encode(values, limits.limit), height, width, palette(theme));
      canvas.classList.toggle("crisp", width <= CRISP);
      head.rest(`Σ ${compact(sum)}`, exactly(sum));
      const beyond = limits.clipped > 0;
      reach.textContent = `±${compact(limits.limit, 2)}`;
      // Points at both ends, as on a printed colour bar: there is more beyond.
      ramp.classList.toggle("pointed", beyond);
      ramp.style.backgroundImage = rampImage(theme);
      ramp.title = beyond ? `${limits.clipped} pixels lie beyond the limits` : "";
      broken.hidden = limits.broken === 0;
      broken.textContent = `${limits.broken} ${NOT_FINITE}`;
    },
    /** Show the pixel under the pointer, wherever the pointer is. */
    read(place: Place | null) {
      if (!view) return;
      spot.show(place, view);
      if (place === null) return head.read(null);
      const { row, column } = cellAt(place, view);
      head.read(signed(view.values[row * view.width + column] ?? null));
    },
    destroy: stopPointer,
  };
}
