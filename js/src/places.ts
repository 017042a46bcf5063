/** Where a unit stands in the value of a step: channel, row and column, and the indices that Python uses. */

import type { Field, Grid } from "./film";

/** A unit among maps; a row of places has the row 0 only. */
export interface Spot {
  channel: number;
  row: number;
  column: number;
}

/** The indices of the unit with a number, last axis fastest: 5 in (2, 3) is (1, 2). */
export function unravel(number: number, shape: readonly number[]): number[] {
  const at = shape.map(() => 0);
  let rest = number;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const size = Math.max(1, shape[axis] ?? 1);
    at[axis] = rest % size;
    rest = Math.floor(rest / size);
  }
  return at;
}

export function ravel(at: readonly number[], shape: readonly number[]): number {
  return at.reduce((number, index, axis) => number * (shape[axis] ?? 1) + index, 0);
}

/** Whether a value of this shape has such a unit. */
export function holds(shape: readonly number[], at: readonly number[]): boolean {
  return (
    at.length === shape.length &&
    at.every((index, axis) => Number.isInteger(index) && index >= 0 && index < (shape[axis] ?? 0))
  );
}

/** The indices of a unit of maps: all axes before the last two are channels; two axes are channel and place. */
export function atOf(shape: readonly number[], { channel, row, column }: Spot): number[] {
  if (shape.length === 2) return [channel, column];
  return [...unravel(channel, shape.slice(0, -2)), row, column];
}

export function spotOf(shape: readonly number[], at: readonly number[]): Spot | null {
  if (shape.length < 2 || !holds(shape, at)) return null;
  const column = at.at(-1) ?? 0;
  if (shape.length === 2) return { channel: at[0] ?? 0, row: 0, column };
  const channel = ravel(at.slice(0, -2), shape.slice(0, -2));
  return { channel, row: at.at(-2) ?? 0, column };
}

/** A unit in a few letters: "ch 79, (16, 12)", "ch 3, 12" in a row, "ch 7" where there are no places. */
export function unitText(shape: readonly number[] | undefined, at: readonly number[]): string {
  if (at.length === 0) return "";
  if (!shape || !holds(shape, at)) return `(${at.join(", ")})`;
  if (shape.slice(1).every((size) => size === 1)) return `ch ${at[0]}`;
  const spot = spotOf(shape, at);
  if (!spot) return `(${at.join(", ")})`;
  const place = shape.length === 2 ? `${spot.column}` : `(${spot.row}, ${spot.column})`;
  return `ch ${spot.channel}, ${place}`;
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
  frame: { field: Field | null; shape: number[] },
  at: readonly number[],
  input: Seen,
): Box | null {
  const { field, shape } = frame;
  const [rows = input.height, columns = input.width] =
    input.shape && input.shape.length > 1 ? input.shape.slice(-2) : [];
  const row = at.at(-2);
  const column = at.at(-1);
  if (!field || shape.length < 3 || row === undefined || column === undefined) return null;
  if (input.height <= 1 || rows <= 1 || columns <= 1) return null;
  const down = reach(field.start[0] + field.step[0] * row, field.size[0], rows);
  const across = reach(field.start[1] + field.step[1] * column, field.size[1], columns);
  if (!down || !across) return null;
  return { top: down.from, left: across.from, height: down.part, width: across.part };
}

function reach(start: number, size: number, length: number): { from: number; part: number } | null {
  const from = Math.max(0, start);
  const to = Math.min(length, start + size);
  return to > from ? { from: from / length, part: (to - from) / length } : null;
}
