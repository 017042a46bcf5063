/**
 * The mass of one step laid over the input: what moves while stepping.
 *
 * Deep layers give soft wide patches, since a unit there stands for a region and not for squares; near the
 * input the tiles are as fine as the pixels and are drawn crisp. Two canvases take turns, so that one step
 * melts into the next.
 */

import { paint, type Theme, veil } from "../colour";
import { el, prefersStill } from "../dom";
import type { Film, Flat, Frame, Grid } from "../film";

/** Long side of the canvas: enough for a picture on a dense screen, cheap to fill. */
const SIZE = 384;

export interface OverlayView {
  frame: Frame;
  picture: Grid;
  theme: Theme;
  /** Mass per area at full colour; null takes the step's own largest. */
  peak: number | null;
}

export function overlay() {
  const sheets = [sheet(), sheet()] as const;
  const tile = el("canvas");
  const node = el("div", { class: "overlay", "aria-hidden": "true" }, ...sheets);
  let front = 0;

  return {
    node,
    update(view: OverlayView) {
      const { picture } = view;
      node.classList.toggle("still", prefersStill());
      front = 1 - front;
      const shown = sheets[front] ?? sheets[0];
      const hidden = sheets[1 - front] ?? sheets[1];
      const scale = SIZE / Math.max(picture.height, picture.width);
      shown.width = Math.max(1, Math.round(picture.width * scale));
      shown.height = Math.max(1, Math.round(picture.height * scale));
      draw(shown, tile, view);
      shown.classList.add("front");
      hidden.classList.remove("front");
    },
  };
}

function sheet(): HTMLCanvasElement {
  return el("canvas", { class: "sheet" });
}

function draw(
  canvas: HTMLCanvasElement,
  tile: HTMLCanvasElement,
  { frame, picture, theme, peak }: OverlayView,
): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  const flat = flatOf(frame, picture);
  if (flat) {
    paint(tile, scaled(flat, peak), flat.height, flat.width, veil(theme));
    context.imageSmoothingEnabled = flat.width < Math.min(picture.width, 48);
    context.imageSmoothingQuality = "high";
    context.drawImage(tile, 0, 0, canvas.width, canvas.height);
    return;
  }
  // A layer without places holds its mass everywhere and nowhere: an even wash in the colour of its sign.
  const mass = (frame.arriving ?? 0) + (frame.intercept ?? 0);
  if (frame.tensor.kind !== "vector" || mass === 0) return;
  const code = mass > 0 ? 200 : 56;
  paint(tile, new Uint8Array([code]), 1, 1, veil(theme));
  context.globalAlpha = 0.35;
  context.drawImage(tile, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = 1;
}

/** Codes of a tile held to another limit. */
function scaled(flat: Flat, peak: number | null): Uint8Array {
  const own = densityOf(flat);
  if (peak === null || peak === 0 || own === peak) return flat.tile;
  const part = own / peak;
  return flat.tile.map((code) =>
    code === 0 ? 0 : Math.max(1, Math.min(255, Math.round((code - 128) * part) + 128)),
  );
}

/** A tile of a coarse layer covers more of the picture and holds more: what compares is mass per area. */
function densityOf({ limit, height, width }: Flat): number {
  return (limit ?? 0) * height * width;
}

const peaks = new WeakMap<Film, number>();

/** The largest mass per area of any step of the film. */
export function peakOf(film: Film): number {
  const found = peaks.get(film);
  if (found !== undefined) return found;
  const { input } = film;
  const densities = film.frames.map((frame) => {
    const flat = input.kind === "picture" ? flatOf(frame, input) : null;
    return flat ? densityOf(flat) : 0;
  });
  const peak = densities.reduce((most, density) => Math.max(most, density), 0);
  peaks.set(film, peak);
  return peak;
}

/** The summed mass, where its places are the picture's: a row of tokens has none, nor have weights of attention. */
export function flatOf({ grid, tensor }: Frame, picture: Grid): Flat | null {
  const flat = tensor.kind === "maps" && grid.placed ? tensor.flat : null;
  return flat && (flat.height > 1 || picture.height === 1) ? flat : null;
}

/** Of an input that a step is not on the way to. */
export const ELSEWHERE = "mass of other inputs";

/** Of a step that no place of the input is known for: it has places of its own, or none. */
export function unplaced({ kind }: Frame["tensor"]): string {
  return kind === "maps" ? "mass not placed on the input" : "mass has no place yet";
}

/** In words, what the overlay shows. */
export function describeOverlay(frame: Frame, picture: Grid): string {
  if (frame.tensor.kind === "none") return "no mass yet";
  if (frame.tensor.kind === "pending") return "mass on its way";
  const flat = flatOf(frame, picture);
  return flat ? `mass on ${flat.height} × ${flat.width}` : unplaced(frame.tensor);
}
