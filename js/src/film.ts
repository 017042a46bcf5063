/**
 * A film as the charts see it: the wire's own names, with arrays where the wire has offsets.
 *
 * Names stay snake_case because they are the contract's (`docs/film.md`), written the same in Python.
 */

/** A number, or null where Python had NaN or an infinity: JSON holds neither. */
export type Figure = number | null;

export type Parameter = number | boolean | string | null;

/** A rule with its parameters. */
export interface Choice {
  rule: string;
  parameters: Record<string, Parameter>;
}

/** Which rule shares where: one for all steps, others for those that the plan names. */
export interface Lane extends Choice {
  plan: Record<string, Choice>;
}

/** What is explained, whatever the rule. */
export interface Aim {
  sample: number;
  target: number | null;
  versus: number | null;
}

/** What is being explained, and how: one film answers one of these. */
export interface State extends Aim, Lane {}

export interface Request extends Aim {
  seq: number;
  lanes: Lane[];
  /** The lanes whose films the page has not got. */
  wanted: number[];
}

export interface Grid {
  height: number;
  width: number;
}

/** How the units of a value lie. */
export interface Spread extends Grid {
  kind: "vector" | "maps";
  channels: number;
  /** Rows and columns are known to be those of the input. */
  placed: boolean;
  /** Units of each channel that come before its first place, as a class token: in rows of their own, above. */
  lead: number;
}

/** One summed channel: 128 is zero, 0 marks what is not finite. */
export interface Flat extends Grid {
  limit: Figure;
  tile: Uint8Array;
}

/** One of the three ways to see a tensor, as tiles of the channels shown, one after the other. */
export interface Planes {
  limit: Figure;
  tiles: Uint8Array;
  /** The exact signed sum of each channel shown. */
  sums: Figure[];
  /** Tile pixels beyond the limit, and not finite. */
  clipped: number[];
  broken: number[];
}

/** The value at a step, grad ⊙ value, and the mass that waits there. */
export type Way = "value" | "contribution" | "mass";

export const WAYS: readonly Way[] = ["mass", "value", "contribution"];

export interface Maps extends Grid, Record<Way, Planes> {
  kind: "maps";
  channels: number;
  /** Tile (r, c) covers the places block·r to block·r + block. */
  block: number;
  shown: number[];
  flat: Flat;
}

export interface Vector extends Record<Way, Float32Array> {
  kind: "vector";
  channels: number;
}

export type Tensor = Maps | Vector | { kind: "none" } | { kind: "pending" };

export interface Triage {
  broken: number;
  negative: Figure;
  dead: Figure;
  entropy: Figure;
  ms: Figure;
}

/** The receptive field: the unit at row r sees the input's rows start + step · r and `size` on; the same for columns. */
export interface Field {
  start: [number, number];
  step: [number, number];
  size: [number, number];
}

/** What the units of a step have to do with one of several inputs. */
export interface Sight {
  /** Rows and columns are known to be that input's. */
  placed: boolean;
  field: Field | null;
}

/** One step of the ledger. */
export interface Frame {
  node: string;
  name: string;
  module: string;
  op: string;
  shape: number[];
  grid: Spread;
  mixes: boolean;
  adds: boolean;
  arriving: Figure;
  intercept: Figure;
  unshared: Figure;
  cut_gradient: Figure;
  cut_bias: Figure;
  cut_unshared: Figure;
  residual: Figure;
  exact: boolean;
  triage: Triage;
  /** Null: every place of the input is seen, or it is not known which. */
  field: Field | null;
  /** Of several inputs, one entry each: null where nothing of it is seen. Empty of one. */
  sees: (Sight | null)[];
  tensor: Tensor;
}

export type Level = "blocks" | "layers" | "ops";

export const LEVELS: readonly Level[] = ["blocks", "layers", "ops"];

/** Where the stepper stops: it stands for the frames after the stop before, up to its own. */
export interface Stop {
  frame: number;
  name: string;
  group: string;
}

/** Mass handed from one frame to another that is nearer the input. */
export interface Flow {
  from: number;
  to: number;
  net: Figure;
  gross: Figure;
}

export interface PictureInput extends Grid {
  kind: "picture";
  name: string;
  label: string | null;
  /** What it is called among several. */
  title: string;
  shape: number[];
  /** Null where the input has neither one nor three channels: there is nothing to look at. */
  rgb: Uint8Array | null;
}

export interface VectorInput {
  kind: "vector";
  name: string;
  label: string | null;
  /** What it is called among several. */
  title: string;
  shape: number[];
  names: string[] | null;
  values: Float32Array;
}

/** A signal: `height` lanes, a channel each or one of all channels, of `width` places along a line. */
export interface SignalInput extends Grid {
  kind: "signal";
  name: string;
  label: string | null;
  /** What it is called among several. */
  title: string;
  shape: number[];
  channels: number;
  /** How many positions there are, and how many a place holds. */
  length: number;
  block: number;
  /** Which of its two axes are positions, and the op that tells so; null where there is no other axis. */
  axes: { positions: "first" | "last"; told: string | null } | null;
  /** Of the positions, and of the channels: where they have any. */
  names: string[] | null;
  lanes: string[] | null;
  values: Float32Array;
}

export type Input = PictureInput | VectorInput | SignalInput;

/** Both parts of the answer on one input, and what each adds up to. */
export interface Pictures extends Grid {
  gradient: Float32Array;
  bias: Float32Array;
  gradient_sum: Figure;
  bias_sum: Figure;
}

export interface Film {
  key: string;
  answers: number | null;
  lane: number;
  /** A large film comes twice: first its numbers, every tensor pending, then whole. */
  part: "numbers" | "whole";
  state: State;
  network: string;
  precision: string;
  target: { index: number | null; label: string; value: Figure; versus: number | null };
  scores: Figure[];
  input: Input;
  pictures: Pictures;
  /** Of several inputs all but the first. */
  others: { input: Input; pictures: Pictures; frame: Frame }[];
  totals: {
    value: Figure;
    gradient: Figure;
    bias: Figure;
    unshared: Figure;
    residual: Figure;
    tolerance: Figure;
    exact: boolean;
  };
  frames: Frame[];
  levels: Record<Level, Stop[]>;
  flows: Flow[];
  /** Size of the blob, to bound what the page keeps. */
  bytes: number;
}

/** A signal drawn small: of each lane the least, then the largest value in each column, as bytes about its extremes. */
export interface Trace {
  lanes: number;
  width: number;
  ends: Uint8Array;
}

export interface Thumbs extends Grid {
  items: (Uint8Array | null)[];
  traces: (Trace | null)[];
}

export interface RuleParameter {
  name: string;
  label: string;
  min: number;
  max: number;
  default: number;
  scale: "log" | "linear";
}

export interface Rule {
  name: string;
  says: string;
  formula: string;
  /** All parameters as the rule is offered, also those that have no slider: films are kept by all of them. */
  standard: Record<string, Parameter>;
  parameters: RuleParameter[];
}

export interface Setup {
  network: string;
  classes: string[] | null;
  samples: { name: string; label: string | null }[];
  rules: Rule[];
  /** Whether pictures of one's own may be added. */
  uploads: boolean;
  /** A page that was saved has no kernel. */
  offline: boolean;
  notices: string[];
}

export interface Progress {
  seq: number | null;
  lane: number;
  stage: string;
  done: number;
  total: number;
  /** What can be told before the film is there: target = gradient part + bias part. */
  known: { target: string; value: Figure; gradient: Figure; bias: Figure } | null;
}

export interface Failure {
  seq: number | null;
  /** The lane that failed, where others may go on. */
  lane: number | null;
  title: string;
  message: string;
  traceback: string;
}

/** The stop at which a step is seen at a level: the first one that is not before it. */
export function stopAt(stops: readonly Stop[], frame: number): number {
  const found = stops.findIndex((stop) => stop.frame >= frame);
  return found < 0 ? stops.length - 1 : found;
}
