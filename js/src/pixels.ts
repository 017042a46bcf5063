/** A place of an input: a pixel, [row, column], as a unit of the network, and as a place in its pictures. */

import type { Place } from "./charts/pointer";
import { cellAt } from "./charts/pointer";
import type { Film, Maps } from "./film";
import type { Look } from "./look";
import { unitUnder } from "./places";

export type Pixel = [row: number, column: number];
type Unit = NonNullable<Look["unit"]>;

/** Somebody who wants a pixel picked in the pictures, whatever grain they have. */
export interface Picking {
  onPick(pixel: Pixel, by: "pointer" | "keys"): void;
  /** The keys leave the pictures. */
  onLeave(): void;
}

/** Rows and columns of the input; null where it has none. */
function sizeOf(film: Film | null) {
  const grid = film?.frames.at(-1)?.grid;
  return grid?.kind === "maps" ? grid : null;
}

/** The pixel at a place of the pictures. */
export function pixelAt(film: Film | null, place: Place): Pixel | null {
  const size = sizeOf(film);
  if (!size) return null;
  const { row, column } = cellAt(place, size);
  return [row, column];
}

/** A pixel as a unit of the input: its first channel stands for it. */
export function pixelUnit(film: Film | null, [row, column]: Pixel): Unit | null {
  return film && sizeOf(film) ? { frame: film.frames.length - 1, at: [0, row, column] } : null;
}

/** The pixel of a unit of the input; null of any other. `entry`: the number of the input's frame. */
export function unitPixel(
  film: Film | null,
  unit: Unit | null,
  entry = (film?.frames.length ?? 0) - 1,
): Pixel | null {
  if (!film || !unit || unit.frame !== entry) return null;
  const [, row, column] = unit.at;
  return row === undefined || column === undefined ? null : [row, column];
}

/** Where in the pictures the pixel of a unit of the input is. */
export function placeOfPixel(film: Film, unit: Unit | null, entry: number): Place | null {
  const pixel = unitPixel(film, unit, entry);
  const size = sizeOf(film);
  if (!pixel || !size) return null;
  return { down: (pixel[0] + 0.5) / size.height, across: (pixel[1] + 0.5) / size.width };
}

/**
 * The unit of the input at a place of its pictures: in the lane that was pressed, `apart`, else in the channel that
 * holds the most there. Null where there is none to tell.
 */
export function unitAt(film: Film, place: Place, apart: boolean): number[] | null {
  const frame = film.frames.at(-1);
  if (!frame) return null;
  const { grid, tensor } = frame;
  if (grid.kind === "vector") {
    return grid.width > 0 ? [cellAt(place, { height: 1, width: grid.width }).column] : null;
  }
  const cell = cellAt(place, apart ? { height: 1, width: grid.width } : grid);
  const lane = cellAt(place, { height: grid.channels, width: 1 }).row;
  const channel = apart ? lane : tensor.kind === "maps" ? strongest(tensor, cell) : null;
  return channel === null ? null : unitUnder(grid, channel, cell, 1);
}

/** The channel with the largest mass at a place, as far as the tiles can tell. */
function strongest(
  { mass, shown, height, width, block }: Maps,
  cell: { row: number; column: number },
) {
  const at = Math.floor(cell.row / block) * width + Math.floor(cell.column / block);
  const sizes = shown.map((_, tile) =>
    Math.abs((mass.tiles[tile * height * width + at] ?? 128) - 128),
  );
  const most = Math.max(...sizes);
  return shown[sizes.indexOf(most)] ?? null;
}
