/**
 * Units as the screen counts them, here and in Python: `[i]` in a vector, `[channel, row, column]` in maps.
 *
 * A value of one axis, or with one place a channel, is a vector. Of maps the last two axes are rows and columns and
 * all others the channels; of two axes the first is the channels, of height one.
 */

import type { Field, Grid } from "./film";

/** How the units of a value lie. */
export interface Spread extends Grid {
  kind: "vector" | "maps";
  channels: number;
}

export function spreadOf(shape: readonly number[]): Spread {
  const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
  const count = product(shape);
  if (shape.length < 2 || count === shape[0]) {
    return { kind: "vector", channels: count, height: 1, width: count };
  }
  const [height = 1, width = 1] = shape.length > 2 ? shape.slice(-2) : [1, shape[1]];
  return { kind: "maps", channels: product(shape) / Math.max(1, height * width), height, width };
}

/** Whether a value of this shape has such a unit. */
export function holds(shape: readonly number[], at: readonly number[]): boolean {
  const { kind, channels, height, width } = spreadOf(shape);
  const sizes = kind === "vector" ? [channels] : [channels, height, width];
  return (
    at.length === sizes.length &&
    at.every((index, axis) => Number.isInteger(index) && index >= 0 && index < (sizes[axis] ?? 0))
  );
}

/** A unit in a few letters: "ch 79, (16, 12)", "ch 3, 12" in a row, "ch 7" where there are no places. */
export function unitText(shape: readonly number[] | undefined, at: readonly number[]): string {
  if (at.length === 0) return "";
  if (!shape || !holds(shape, at)) return `(${at.join(", ")})`;
  const [channel, row, column] = at;
  if (at.length === 1) return `ch ${channel}`;
  return spreadOf(shape).height === 1
    ? `ch ${channel}, ${column}`
    : `ch ${channel}, (${row}, ${column})`;
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

/** From start + step · i on, `size` places; fractions are rounded inwards, and padding is no part of the picture. */
function reach({ start, step, size }: Field, axis: 0 | 1, index: number, length: number) {
  const first = start[axis] + step[axis] * index;
  const from = Math.max(0, Math.ceil(first));
  const to = Math.min(length, Math.floor(first + size[axis] - 1) + 1);
  return to > from ? { from: from / length, part: (to - from) / length } : null;
}
