/** Questions whose answers are too large, or too many, for a film: each is asked once and kept. */

import type { Figure, Maps } from "./film";

export interface UnitQuestion {
  kind: "unit";
  film: string;
  frame: number;
  unit: number[];
}

export interface ChannelsQuestion {
  kind: "channels";
  film: string;
  frame: number;
  by: "mass" | "index";
  page: number;
}

export interface PartsQuestion {
  kind: "parts";
  sample: number;
}

export type Question = UnitQuestion | ChannelsQuestion | PartsQuestion;

/** An input that a unit shares its mass on. */
export interface Given {
  /** -1 where no frame shows it. */
  frame: number;
  at: number[];
  name: string;
  weight: Figure;
  value: Figure;
  strength: Figure;
  share: Figure;
  mass: Figure;
}

/** A unit that a unit got mass from: its whole mass, the share, and what came. */
export interface Come {
  frame: number;
  at: number[];
  name: string;
  share: Figure;
  mass: Figure;
  part: Figure;
}

/** The equation of the walk at one unit. */
export interface UnitAnswer {
  kind: "unit";
  node: string;
  unit: number[];
  value: Figure;
  grad: Figure;
  mass: Figure;
  arrived: Figure;
  own: Figure;
  unshared: Figure;
  /** Both are empty where no rule decides. */
  rule: string;
  formula: string;
  gives: { terms: Given[]; count: number; rest_share: Figure; rest_mass: Figure };
  comes: { terms: Come[]; count: number; rest_part: Figure };
  python: string;
}

export interface ChannelsAnswer {
  kind: "channels";
  pages: number;
  tensor: Maps;
}

/** What w·x alone and b alone say about every class. */
export interface PartsAnswer {
  kind: "parts";
  gradient: Figure[];
  bias: Figure[];
}

export type Answer = UnitAnswer | ChannelsAnswer | PartsAnswer;

/** An answer on its way, the answer, or why there is none. */
export type Detail<A extends Answer> =
  | { state: "asked" }
  | { state: "here"; answer: A }
  | { state: "failed"; title: string; message: string }
  /** There is no kernel to ask, and the page was not given the answer. */
  | { state: "offline" };

type Sorted = string | number | boolean | null | Sorted[] | { [name: string]: Sorted };

/** The same question is the same text on both sides: keys sorted, no spaces, as Python's `films_key`. */
export function keyOf(question: object): string {
  return JSON.stringify(sorted(question as Sorted));
}

function sorted(value: Sorted): Sorted {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, one]) => [name, sorted(one)]));
}
