/**
 * What a film says about each pixel, summed over blocks where a reader wants a coarser grain.
 *
 * Attributions add up, so the sum over a block is exact and not a blur. A block at the border that hangs over
 * the edge is the sum of the pixels that are there.
 */

import type { Film, Grid } from "./film";
import { type Limits, limitsOf } from "./limits";
import { linesOf } from "./lines";
import type { Grain } from "./look";

/** Sums over blocks of `block` × `block` pixels of a picture of `picture` pixels. */
export interface Plane extends Grid {
  values: Float32Array;
  limits: Limits;
}

export interface Planes {
  gradient: Plane;
  bias: Plane;
  total: Plane;
  /** How many of the film's own pixels a block is high and wide, and the size of the picture in those. */
  block: number;
  fine: Grid;
  /** How many pixels of the input a block is high and wide. */
  pixels: number;
}

const cache = new WeakMap<Film, Map<string, Planes>>();

/** `joined`: the channels of a signal are summed. */
export function planesOf(film: Film, grain: Grain, joined = false): Planes {
  const key = `${grain} ${joined}`;
  const known = cache.get(film) ?? new Map<string, Planes>();
  cache.set(film, known);
  const found = known.get(key) ?? computed(film, grain, joined);
  known.set(key, found);
  return found;
}

function computed(film: Film, grain: Grain, joined: boolean): Planes {
  if (film.input.kind === "signal") return linesOf(film, film.input, grain, joined);
  const { height, width, gradient, bias } = film.pictures;
  // A large input comes as sums over blocks already.
  const own = ownBlock(film);
  const block = Math.max(1, Math.round(grain / own));
  const parts = [gradient, bias, gradient.map((value, index) => value + (bias[index] ?? 0))];
  // Bars need no bleaching guard: each is as long as it is.
  const kept = film.input.kind === "vector" ? 1 : undefined;
  const [first, second, third] = parts.map((values) =>
    planeOf(values, { height, width }, block, kept),
  );
  return {
    gradient: first as Plane,
    bias: second as Plane,
    total: third as Plane,
    block,
    fine: { height, width },
    pixels: block * own,
  };
}

/** How many pixels of the input one pixel of the film's planes stands for. */
export function ownBlock({ input, pictures }: Film): number {
  if (input.kind !== "picture" || pictures.width === 0) return 1;
  return Math.max(1, Math.round(input.width / pictures.width));
}

function planeOf(values: Float32Array, grid: Grid, block: number, kept?: number): Plane {
  const plane = blockSums(values, grid, block);
  return { ...plane, limits: limitsOf(plane.values, kept) };
}

export function blockSums(
  values: Float32Array,
  { height, width }: Grid,
  block: number,
): Grid & { values: Float32Array } {
  if (block === 1) return { height, width, values };
  const rows = Math.ceil(height / block);
  const columns = Math.ceil(width / block);
  // Summed in double precision and rounded once.
  const sums = new Float64Array(rows * columns);
  for (let row = 0; row < height; row += 1) {
    const from = Math.floor(row / block) * columns;
    for (let column = 0; column < width; column += 1) {
      const at = from + Math.floor(column / block);
      sums[at] = (sums[at] ?? 0) + (values[row * width + column] ?? 0);
    }
  }
  return { height: rows, width: columns, values: Float32Array.from(sums) };
}

const differences = new WeakMap<Plane, WeakMap<Plane, Plane>>();

/** One picture less another. */
export function differenceOf(a: Plane, b: Plane): Plane | null {
  if (a.values.length !== b.values.length) return null;
  const known = differences.get(a) ?? new WeakMap<Plane, Plane>();
  differences.set(a, known);
  const found = known.get(b);
  if (found) return found;
  const values = a.values.map((value, index) => value - (b.values[index] ?? 0));
  const plane = { height: a.height, width: a.width, values, limits: limitsOf(values) };
  known.set(b, plane);
  return plane;
}

/** Codes of blocks as codes of the pixels that they cover, so that a block at the border keeps its true size. */
export function spread(codes: Uint8Array, columns: number, fine: Grid, block: number): Uint8Array {
  if (block === 1) return codes;
  const { height, width } = fine;
  const out = new Uint8Array(height * width);
  for (let row = 0; row < height; row += 1) {
    const from = Math.floor(row / block) * columns;
    for (let column = 0; column < width; column += 1) {
      out[row * width + column] = codes[from + Math.floor(column / block)] ?? 0;
    }
  }
  return out;
}
