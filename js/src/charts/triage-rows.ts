/** The quantities of triage: how a film is read stop by stop, how high a bar stands, how a figure is printed. */

import { compact } from "../figures";
import type { Figure, Film } from "../film";
import type { Look } from "../look";
import type { Sign } from "./anomalies";

/** The steps that a stop stands for. */
export interface Span {
  first: number;
  last: number;
  name: string;
}

export interface Row {
  key: string;
  label: string;
  says: string;
  /** The sign that belongs to this row. */
  sign: Sign | null;
  read(film: Film, span: Span): Figure;
  /** Height of a bar, 0 to 1, among the values of the row. */
  height(value: number, row: Scale): number;
  /** What a value is held against: a line across the row. */
  bound?(film: Film): Figure;
  print(value: Figure): string;
}

export interface Scale {
  most: number;
  /** Largest and smallest size that is not zero. */
  high: number;
  low: number;
}

export const NONE = "–";

export const part = (value: number) => Math.min(1, Math.max(0, value));
const byMost = (value: number, { most }: Scale) => (most > 0 ? Math.abs(value) / most : 0);
const percent = (value: Figure) => (value === null ? NONE : `${(100 * value).toFixed(1)} %`);
const plain = (value: Figure) => (value === null ? NONE : compact(value, 3));

function framesOf(film: Film, { first, last }: Span) {
  return film.frames.slice(first, last + 1);
}

function sum(values: Figure[]): Figure {
  let total = 0;
  for (const value of values) {
    if (value === null) return null;
    total += value;
  }
  return total;
}

function most(values: Figure[]): Figure {
  const here = values.filter((value) => value !== null);
  return here.length > 0 ? Math.max(...here) : null;
}

export const ROWS: Row[] = [
  {
    key: "residual",
    label: "residual, log",
    says: "the largest |target − cut| of its steps, on a log axis; dashed: the tolerance",
    sign: "residual",
    read: (film, span) => {
      const sizes = framesOf(film, span).map(({ residual }) => residual);
      return sizes.includes(null) ? null : most(sizes.map((value) => Math.abs(value ?? 0)));
    },
    height: (value, { high, low }) =>
      value === 0
        ? 0
        : high > low
          ? 0.12 + (0.88 * Math.log(value / low)) / Math.log(high / low)
          : 1,
    bound: ({ totals: { tolerance } }) => tolerance,
    print: (value) => compact(value, 2),
  },
  {
    key: "unshared",
    label: "unshared",
    says: "mass that no rule could place, summed over its steps",
    sign: "unshared",
    read: (film, span) => sum(framesOf(film, span).map(({ unshared }) => unshared)),
    height: byMost,
    print: (value) => compact(value, 3),
  },
  {
    key: "broken",
    label: "NaN, infinite",
    says: "values, masses and grads that are not finite, counted over its steps",
    sign: "broken",
    read: (film, span) => sum(framesOf(film, span).map(({ triage: { broken } }) => broken)),
    height: byMost,
    print: (value) => (value === null ? NONE : String(value)),
  },
  {
    key: "entropy",
    label: "entropy of shares",
    says: "0: all to one input, 1: to all alike; the mean of the steps where a rule decides",
    sign: null,
    read: (film, span) => {
      const here = framesOf(film, span).flatMap(({ triage: { entropy } }) =>
        entropy === null ? [] : [entropy],
      );
      return here.length > 0 ? here.reduce((all, one) => all + one, 0) / here.length : null;
    },
    height: part,
    print: plain,
  },
  {
    key: "negative",
    label: "negative mass",
    says: "the part of Σ|mass| below zero, at the stop",
    sign: null,
    read: (film, { last }) => film.frames[last]?.triage.negative ?? null,
    height: part,
    print: percent,
  },
  {
    key: "dead",
    label: "dead units",
    says: "the part of the units whose value is zero, the most of its steps",
    sign: "dead",
    read: (film, span) => most(framesOf(film, span).map(({ triage: { dead } }) => dead)),
    height: part,
    print: percent,
  },
  {
    key: "ms",
    label: "time",
    says: "carrying the mass through its steps",
    sign: null,
    read: (film, span) => sum(framesOf(film, span).map(({ triage: { ms } }) => ms)),
    height: byMost,
    print: (value) => (value === null ? NONE : `${compact(value, 3)} ms`),
  },
];

export function spansOf(film: Film, level: Look["level"]): Span[] {
  let before = -1;
  return film.levels[level].map(({ frame, name }) => {
    const span = { first: before + 1, last: frame, name };
    before = frame;
    return span;
  });
}

/** The same stops in another film, which may have other steps: found by the node's name. */
export function matched(film: Film, spans: Span[], other: Film): (Span | null)[] {
  const places = new Map(other.frames.map(({ node }, index) => [node, index]));
  return spans.map(({ first, last, name }) => {
    const from = places.get(film.frames[first]?.node ?? "");
    const to = places.get(film.frames[last]?.node ?? "");
    return from === undefined || to === undefined ? null : { first: from, last: to, name };
  });
}

export function scaleOf(values: (Figure | undefined)[]): Scale {
  const sizes = values.flatMap((value) => (!value ? [] : [Math.abs(value)]));
  const high = sizes.length > 0 ? Math.max(...sizes) : 0;
  const low = sizes.length > 0 ? Math.min(...sizes) : 0;
  return { most: high, high, low };
}
