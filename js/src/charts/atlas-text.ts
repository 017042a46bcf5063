/** What is printed under a tile, and what the head says of all of them. */

import { exactly, NOT_FINITE } from "../figures";
import type { Frame, Maps, Way } from "../film";
import type { Look } from "../look";
import { rowsAbove } from "../places";
import { brief, factor } from "../tenfold";
import type { TileText } from "./board";

/** The channels that are shown, where they are maps. */
export interface Shown {
  shown: readonly number[];
  page: number;
  pages: number;
  whole: boolean;
  /** By number, but only those that are kept where there is no kernel. */
  kept?: boolean;
}

export function tileText(maps: Maps, way: Way, from: number, tens: number): TileText {
  const planes = maps[way];
  const channel = maps.shown[from] ?? 0;
  const sum = planes.sums[from] ?? null;
  const clipped = planes.clipped[from] ?? 0;
  const broken = planes.broken[from] ?? 0;
  const parts = tens === 0 ? [] : [factor(tens)];
  if (clipped > 0) parts.push(`${clipped} beyond the limits`);
  if (broken > 0) parts.push(`${broken} ${NOT_FINITE}`);
  return {
    number: String(channel),
    figure: brief(sum, tens),
    value: exactly(sum),
    rest: parts.map((part) => `, ${part}`).join(""),
    broken: broken > 0,
    clipped: clipped > 0,
  };
}

export function describe(frame: Frame, maps: Shown | null, look: Look): string {
  const { tensor, grid, op } = frame;
  if (tensor.kind === "none" || tensor.kind === "pending") return op;
  if (tensor.kind === "vector") {
    const sent = tensor.mass.length;
    const part = sent < tensor.channels ? `the first ${sent} of ` : "";
    return `${part}${tensor.channels} channels without places`;
  }
  const height = grid.height - rowsAbove(grid);
  const { width, lead } = grid;
  const noun = tensor.channels === 1 ? "channel" : "channels";
  const more = lead === 0 ? "" : ` and ${lead} ${lead === 1 ? "token" : "tokens"} above`;
  const all = `${tensor.channels} ${noun} of ${height} × ${width}${more}`;
  if (maps === null || maps.whole) return all;
  const count = maps.shown.length;
  if (maps.kept) return `${all}, kept are the ${count} largest by |mass|`;
  if (look.sort === "index") {
    return `${all}, numbers ${maps.shown[0] ?? 0} to ${maps.shown.at(-1) ?? 0}`;
  }
  if (maps.page === 0) return `${all}, the ${count} largest by |mass|`;
  const last = maps.page === maps.pages - 1;
  const before = last ? tensor.channels - count : maps.page * count;
  return `${all}, ${before + 1} to ${before + count} by |mass|`;
}
