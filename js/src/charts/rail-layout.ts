/** Where everything on the rail stands, as plain numbers: no element is made here. */

import { compact, NOT_FINITE, signed } from "../figures";
import type { Figure, Film, Level } from "../film";
import { addedBy } from "./stops";

export const HEIGHT = 212;
const TOP = 44;
const TRACK = 132;
const LANE = TRACK + 9;
const LANE_HEIGHT = 34;
const BRACE = LANE + LANE_HEIGHT + 17;
export const MARGIN = 76;
/** With less room than this a stop is a dot, and with less than that it has no mark of its own. */
const ROOMY = 13;
const TIGHT = 4;
const DIP = 0.1;

/** What the rail knows of a stop. */
export interface RailStop {
  name: string;
  group: string;
  /** Bias part of the cut after it. */
  gathered: Figure;
  /** Bias that it adds. */
  added: Figure;
}

export interface Bar {
  x: number;
  width: number;
  height: number;
  negative: boolean;
  says: string;
  /** Printed on the few largest only. */
  figure: string | null;
}

export interface Brace {
  from: number;
  to: number;
  label: string | null;
}

export interface RailLayout {
  width: number;
  xs: number[];
  gap: number;
  /** Height of zero for the ribbon; the track for a ribbon that never goes below. */
  zero: number;
  track: number;
  lane: number;
  brace: number;
  area: string;
  radius: number;
  small: boolean;
  bars: Bar[];
  /** Stops whose cut is not finite: the ribbon has no height there, which is not zero. */
  broken: { x: number; says: string }[];
  braces: Brace[];
  /** What has been gathered at the input; a long figure stands on a line of its own. */
  end: { x: number; y: number; lines: string[] };
}

export function railStops(film: Film, level: Level): RailStop[] {
  const added = addedBy(film, level);
  return film.levels[level].map(({ frame, name, group }, index) => ({
    name,
    // A block is named where the groups are named.
    group: level === "blocks" ? name : group,
    gathered: film.frames[frame]?.cut_bias ?? null,
    added: added[index] ?? null,
  }));
}

/** Where the stops stand, output on the right. */
export function layStops(count: number, width: number): { xs: number[]; gap: number } {
  const room = Math.max(width - 2 * MARGIN, 120);
  const gap = count > 1 ? room / (count - 1) : room;
  return { xs: Array.from({ length: count }, (_, index) => width - MARGIN - index * gap), gap };
}

export function layOut(stops: RailStop[], width: number): RailLayout {
  const { xs, gap } = layStops(stops.length, width);
  const gathered = stops.map((stop) => stop.gathered ?? 0);
  const high = gathered.reduce((most, value) => Math.max(most, value), 0);
  const lowest = gathered.reduce((least, value) => Math.min(least, value), 0);
  // A ribbon that dips below zero a little gets room enough to be seen apart from the track.
  const low = lowest < 0 ? Math.min(lowest, -high * DIP) : 0;
  const span = high - low || 1;
  const y = (value: number) => TOP + ((high - value) / span) * (TRACK - TOP);
  const line = xs.map((x, index) => `L${round(x)},${round(y(gathered[index] ?? 0))}`).join(" ");
  const last = xs.at(-1) ?? MARGIN;
  return {
    width,
    xs,
    gap,
    zero: round(high === low ? TRACK : y(0)),
    track: TRACK,
    lane: LANE,
    brace: BRACE,
    area: `M${round(xs[0] ?? 0)},${round(y(0))} ${line} L${round(last)},${round(y(0))} Z`,
    radius: gap < TIGHT ? 0 : gap < ROOMY ? 1.5 : 3,
    small: gap < ROOMY,
    bars: layBars(stops, xs, gap),
    broken: stops.flatMap(({ name, gathered: figure }, index) =>
      figure === null ? [{ x: xs[index] ?? 0, says: `${name}: ${NOT_FINITE}` }] : [],
    ),
    braces: layBraces(stops, xs, gap),
    end: {
      x: last,
      y: Math.min(y(gathered.at(-1) ?? 0) + 4, TRACK - 11),
      lines: endLines(stops.at(-1)?.gathered ?? null),
    },
  };
}

function endLines(b: Figure): string[] {
  const room = MARGIN - 12;
  const whole = `b = ${compact(b)}`;
  if (textWidth(whole) <= room) return [whole];
  const figure = [3, 2, 1].map((digits) => compact(b, digits));
  return ["b =", figure.find((text) => textWidth(text) <= room) ?? compact(b, 1)];
}

/** Bars grow with the square root, so that a layer adding a hundredth of the largest can still be seen. */
function layBars(stops: RailStop[], xs: number[], gap: number): Bar[] {
  const sizes = stops.map(({ added }) => Math.abs(added ?? 0));
  const largest = sizes.reduce((most, size) => Math.max(most, size), 0);
  const width = Math.max(1, Math.min(10, gap * 0.62));
  const bars: Bar[] = stops.map(({ name, added }, index) => ({
    x: xs[index] ?? 0,
    width,
    height: largest > 0 ? Math.sqrt((sizes[index] ?? 0) / largest) * LANE_HEIGHT : 0,
    negative: (added ?? 0) < 0,
    says: `${name} adds ${signed(added)}`,
    figure: null,
  }));
  const order = sizes.map((_, index) => index).sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0));
  const taken: { from: number; to: number }[] = [];
  for (const index of order) {
    const bar = bars[index];
    if (!bar || taken.length === 4 || largest === 0 || (sizes[index] ?? 0) < largest * 0.03) break;
    const text = signed(stops[index]?.added ?? 0);
    const half = textWidth(text) / 2 + 3;
    const from = bar.x - half;
    const to = bar.x + half;
    // A figure stands under its own bar; it would cut through a neighbour that hangs lower.
    const hidden = bars.some(
      (other) => other !== bar && other.height > bar.height && other.x > from && other.x < to,
    );
    if (hidden || taken.some((other) => from < other.to && to > other.from)) continue;
    bar.figure = text;
    taken.push({ from, to });
  }
  return bars;
}

/** One brace per run of stops of one group; a label only where no other is in its way. */
function layBraces(stops: RailStop[], xs: number[], gap: number): Brace[] {
  const runs: { group: string; first: number; last: number }[] = [];
  // The two ends are named on the track.
  stops.slice(1, -1).forEach((stop, place) => {
    const index = place + 1;
    const run = runs.at(-1);
    if (run && run.group === stop.group) run.last = index;
    else runs.push({ group: stop.group, first: index, last: index });
  });
  const pad = Math.min(6, gap * 0.3);
  const named = runs.filter((run) => run.group !== "");
  const braces = named.map((run) => ({
    from: (xs[run.last] ?? 0) - pad,
    to: (xs[run.first] ?? 0) + pad,
    label: null as string | null,
    group: run.group,
  }));
  const taken: { from: number; to: number }[] = [];
  const wide = [...braces].sort((a, b) => b.to - b.from - (a.to - a.from));
  for (const brace of wide) {
    const middle = (brace.from + brace.to) / 2;
    // A brace over one stop may borrow the room up to its neighbours.
    const reach = Math.max(brace.to - brace.from, 34, gap - 36);
    const label = shorten(brace.group, reach + 26);
    const half = textWidth(label) / 2 + 5;
    const clash = taken.some((other) => middle - half < other.to && middle + half > other.from);
    if (label.length < 2 && brace.group.length > 1) continue;
    if (clash) continue;
    brace.label = label;
    taken.push({ from: middle - half, to: middle + half });
  }
  return braces.map(({ from, to, label }) => ({ from, to, label }));
}

/** Good enough for keeping labels apart: about six pixels a letter at 11 px. */
export function textWidth(text: string, size = 11): number {
  return text.length * size * 0.56;
}

export function shorten(text: string, width: number): string {
  const letters = Math.floor(width / (11 * 0.56));
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
