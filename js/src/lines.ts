/** What a film says about each position of a signal, summed over blocks of positions, and over channels if asked. */

import type { Film, Grid, SignalInput } from "./film";
import { limitsOf } from "./limits";
import type { Grain } from "./look";
import type { Plane, Planes } from "./planes";

export function linesOf(film: Film, input: SignalInput, grain: Grain, joined: boolean): Planes {
  const { gradient, bias } = film.pictures;
  // A long signal comes as sums over blocks already.
  const block = Math.max(1, Math.round(grain / input.block));
  const height = joined ? 1 : input.height;
  const width = Math.ceil(input.width / block);
  const plane = (parts: Float32Array[]): Plane => {
    const values = sums(parts, input, block, joined);
    // Bars need no bleaching guard: each is as long as it is.
    return { height, width, values, limits: limitsOf(values, 1) };
  };
  return {
    gradient: plane([gradient]),
    bias: plane([bias]),
    total: plane([gradient, bias]),
    block,
    fine: { height, width: input.width },
    pixels: block * input.block,
  };
}

/** The values of a signal; of channels that are summed the length √Σx², as Python has it of many channels. */
export function valuesOf({ values, height, width }: SignalInput, joined: boolean): Float32Array {
  if (!joined || height === 1) return values;
  return Float32Array.from({ length: width }, (_, place) => {
    let squares = 0;
    for (let lane = 0; lane < height; lane += 1)
      squares += (values[lane * width + place] ?? 0) ** 2;
    return Math.sqrt(squares);
  });
}

/** Summed in double precision and rounded once. */
function sums(
  parts: Float32Array[],
  { height, width }: Grid,
  block: number,
  joined: boolean,
): Float32Array {
  const columns = Math.ceil(width / block);
  const found = new Float64Array((joined ? 1 : height) * columns);
  for (const values of parts) {
    for (let lane = 0; lane < height; lane += 1) {
      const from = joined ? 0 : lane * columns;
      for (let place = 0; place < width; place += 1) {
        const at = from + Math.floor(place / block);
        found[at] = (found[at] ?? 0) + (values[lane * width + place] ?? 0);
      }
    }
  }
  return Float32Array.from(found);
}
