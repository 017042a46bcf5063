/**
 * Lanes of signed values along a line, on one canvas: bars about a zero in the middle, or a line for what is no sum.
 *
 * Where there are more values than pixels, a column of the screen shows the extremes of those it stands for.
 */

import { encode, paint, type Theme, veil } from "../colour";
import type { Flat, Grid } from "../film";
import { INK } from "./strip";

/** Values of `lanes` rows; each covers `block` of `length` places, the last one perhaps fewer. */
export interface Row {
  values: Float32Array;
  lanes: number;
  block: number;
  length: number;
}

export interface Sheet extends Grid {
  theme: Theme;
}

interface Span {
  low: number;
  high: number;
  broken: boolean;
}

/** Size a canvas to the screen's own pixels; null where there is nothing to draw on. */
function open(canvas: HTMLCanvasElement, { height, width }: Grid) {
  const dense = Math.max(1, globalThis.devicePixelRatio || 1);
  canvas.width = Math.round(width * dense);
  canvas.height = Math.round(height * dense);
  return canvas.getContext("2d");
}

/** What each column of pixels stands for: the first and last value, and their extremes. */
function spansOf({ values, lanes, block, length }: Row, lane: number, columns: number): Span[] {
  const count = values.length / lanes;
  return Array.from({ length: columns }, (_, column) => {
    const at = (part: number) => Math.floor(Math.floor(part * length) / block);
    const from = at(column / columns);
    const to = Math.min(
      count - 1,
      Math.max(from, Math.ceil((((column + 1) / columns) * length) / block) - 1),
    );
    const span: Span = {
      low: Number.POSITIVE_INFINITY,
      high: Number.NEGATIVE_INFINITY,
      broken: false,
    };
    for (let index = from; index <= to; index += 1) {
      const value = values[lane * count + index] ?? 0;
      if (!Number.isFinite(value)) span.broken = true;
      else {
        span.low = Math.min(span.low, value);
        span.high = Math.max(span.high, value);
      }
    }
    return span.low > span.high ? { low: 0, high: 0, broken: span.broken } : span;
  });
}

/** Signed bars, a whole half lane long at the limit. */
export function drawBars(canvas: HTMLCanvasElement, row: Row, limit: number, sheet: Sheet): void {
  const context = open(canvas, sheet);
  if (!context) return;
  const ink = INK[sheet.theme];
  const { width, height } = canvas;
  const tall = height / row.lanes;
  const count = row.values.length / row.lanes;
  context.clearRect(0, 0, width, height);
  for (let lane = 0; lane < row.lanes; lane += 1) {
    const zero = Math.round((lane + 0.5) * tall);
    const room = tall / 2 - 2;
    const reach = (value: number) =>
      limit > 0 ? Math.round(Math.max(-1, Math.min(1, value / limit)) * room) : 0;
    const bar = (x: number, thick: number, { low, high, broken }: Span) => {
      if (broken) {
        context.fillStyle = ink.broken;
        context.fillRect(x, Math.round(lane * tall), thick, Math.round(tall));
        return;
      }
      context.fillStyle = ink.positive;
      if (high > 0) context.fillRect(x, zero - reach(high), thick, reach(high));
      context.fillStyle = ink.negative;
      if (low < 0) context.fillRect(x, zero, thick, -reach(low));
    };
    context.fillStyle = ink.line;
    context.fillRect(0, zero, width, 1);
    if (count >= width) {
      for (const [x, span] of spansOf(row, lane, width).entries()) bar(x, 1, span);
      continue;
    }
    const edge = (index: number) =>
      Math.round((Math.min(row.length, index * row.block) / row.length) * width);
    const gap = width / count > 4 ? 1 : 0;
    for (let index = 0; index < count; index += 1) {
      const value = row.values[lane * count + index] ?? 0;
      const [from, to] = [edge(index), edge(index + 1)];
      const broken = !Number.isFinite(value);
      bar(from, Math.max(1, to - from - gap), { low: value, high: value, broken });
    }
  }
}

/** What a value's line runs between: its own extremes, and zero where they are near it. */
export function rangeOf(values: Float32Array): { low: number; high: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low > high ? { low: 0, high: 0 } : { low, high };
}

/** The values themselves as steps, one line a lane, all between the same two ends. */
export function drawLine(canvas: HTMLCanvasElement, row: Row, sheet: Sheet): void {
  const context = open(canvas, sheet);
  if (!context) return;
  const ink = INK[sheet.theme];
  const { width, height } = canvas;
  const tall = height / row.lanes;
  const { low, high } = rangeOf(row.values);
  const span = high - low || 1;
  const thick = Math.max(1, Math.round(globalThis.devicePixelRatio || 1));
  context.clearRect(0, 0, width, height);
  for (let lane = 0; lane < row.lanes; lane += 1) {
    const down = (value: number) =>
      Math.round(lane * tall + 2 + ((high - value) / span) * (tall - 4 - thick));
    if (low < 0 && high > 0) {
      context.fillStyle = ink.line;
      context.fillRect(0, down(0), width, 1);
    }
    let before: Span | null = null;
    for (const [x, now] of spansOf(row, lane, width).entries()) {
      context.fillStyle = now.broken ? ink.broken : ink.value;
      if (now.broken) context.fillRect(x, Math.round(lane * tall), 1, Math.round(tall));
      // Joined to the column before: a step from one value to the next leaves no gap.
      const from = before && before.low > now.high ? before.low : now.high;
      const to = before && before.high < now.low ? before.high : now.low;
      context.fillRect(x, down(from), 1, down(to) - down(from) + thick);
      before = now.broken ? null : now;
    }
  }
}

/** The mass of a step under the values, full colour at the limit: a stripe for each of its places. */
export function drawStripes(
  canvas: HTMLCanvasElement,
  flat: Flat | null,
  peak: number | null,
  theme: Theme,
) {
  if (!flat) return paint(canvas, new Uint8Array(0), 0, 0, veil(theme));
  const { limit, tile, width } = flat;
  const own = limit ?? 0;
  const values = Float32Array.from(tile, (code) =>
    code === 0 ? Number.NaN : ((code - 128) / 127) * own,
  );
  // A tile with fewer places has more in each: what compares between steps is mass per length.
  const full = peak === null ? own : peak / width;
  paint(canvas, encode(values, full), 1, width, veil(theme));
}
