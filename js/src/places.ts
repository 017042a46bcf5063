/**
 * Units as the screen counts them, here and in Python: `[i]` in a vector, `[channel, row, column]` in maps. Which axes
 * of a value these are, Python says.
 */

import type { Field, Grid, Spread } from "./film";

/** How many rows the units have that come before the first place. */
export function rowsAbove({ lead, width }: Spread): number {
  return lead === 0 ? 0 : Math.ceil(lead / width);
}

/** Whether a value has such a unit. */
export function holds(grid: Spread, at: readonly number[]): boolean {
  const { kind, channels, height, width, lead } = grid;
  const sizes = kind === "vector" ? [channels] : [channels, height, width];
  const inside =
    at.length === sizes.length &&
    at.every((index, axis) => Number.isInteger(index) && index >= 0 && index < (sizes[axis] ?? 0));
  const [, row = 0, column = 0] = at;
  return inside && (row >= rowsAbove(grid) || row * width + column < lead);
}

/** The unit in the middle of those that a tile's cell covers; null where it covers none. */
export function unitUnder(
  grid: Spread,
  channel: number,
  { row, column }: { row: number; column: number },
  block: number,
): number[] | null {
  const { height, width, lead } = grid;
  const first = row * block * width + column * block;
  // What has no place stands above the places, and is the one that is meant.
  if (row * block < rowsAbove(grid) && first < lead) return [channel, row * block, column * block];
  const down = Math.max(rowsAbove(grid), middle(row, block, height));
  const at = [channel, down, middle(column, block, width)];
  return (row + 1) * block > rowsAbove(grid) && holds(grid, at) ? at : null;
}

/** A unit in a few letters: "ch 79, (16, 12)", "ch 3, 12" in a row, "ch 7" where there are no places. */
export function unitText(grid: Spread | undefined, at: readonly number[]): string {
  if (at.length === 0) return "";
  if (!grid || !holds(grid, at)) return `(${at.join(", ")})`;
  const [channel, row, column] = at;
  if (at.length === 1) return `ch ${channel}`;
  const above = rowsAbove(grid);
  if (row !== undefined && row < above) {
    return `ch ${channel}, token ${row * grid.width + (column ?? 0)}`;
  }
  if (above > 0)
    return unitText({ ...grid, height: grid.height - above, lead: 0 }, [
      channel ?? 0,
      (row ?? 0) - above,
      column ?? 0,
    ]);
  return grid.height === 1 ? `ch ${channel}, ${column}` : `ch ${channel}, (${row}, ${column})`;
}

/** The place in the middle of those that a tile's row or column covers; the last block may be cut short. */
export function middle(index: number, block: number, length: number): number {
  const end = Math.min(length, (index + 1) * block);
  return Math.max(0, Math.min(length - 1, Math.floor((index * block + end) / 2)));
}

/** A part of a picture, in fractions of its height and width. */
export interface Box {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** A picture may be shown finer or coarser than the network saw it: its shape is what fields are counted in. */
export interface Seen extends Grid {
  shape?: readonly number[];
}

/**
 * What a unit sees of the input: its receptive field, cut at the edge of the picture.
 *
 * Null where there is nothing to draw: no places, an input that is no picture, or a field that is not known.
 */
export function fieldBox(
  { field }: { field: Field | null },
  at: readonly number[],
  input: Seen,
): Box | null {
  const [rows = input.height, columns = input.width] =
    input.shape && input.shape.length > 1 ? input.shape.slice(-2) : [];
  const [, row, column] = at;
  if (!field || row === undefined || column === undefined) return null;
  if (input.height <= 1 || rows <= 1 || columns <= 1) return null;
  const down = reach(field, 0, row, rows);
  const across = reach(field, 1, column, columns);
  if (!down || !across) return null;
  return { top: down.from, left: across.from, height: down.part, width: across.part };
}

/** The same on a signal, as the part of its line. */
export function fieldSpan(
  { field }: { field: Field | null },
  at: readonly number[],
  positions: number,
): Box | null {
  const column = at[2];
  const across = field && column !== undefined ? reach(field, 1, column, positions) : null;
  return across && { top: 0, left: across.from, height: 1, width: across.part };
}

/** From start + step · i on, `size` places; fractions are rounded inwards, and padding is no part of the picture. */
function reach({ start, step, size }: Field, axis: 0 | 1, index: number, length: number) {
  const first = start[axis] + step[axis] * index;
  const from = Math.max(0, Math.ceil(first));
  const to = Math.min(length, Math.floor(first + size[axis] - 1) + 1);
  return to > from ? { from: from / length, part: (to - from) / length } : null;
}
