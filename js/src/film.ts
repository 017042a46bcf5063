/**
 * A film as the charts see it: the wire's own names, with arrays where the wire has offsets.
 *
 * Names stay snake_case because they are the contract's, written the same in Python.
 */

/** A number, or null where Python had NaN or an infinity: JSON holds neither. */
export type Figure = number | null;

export type Parameter = number | boolean | string | null;

/** What is being explained, and how: one film answers one of these. */
export interface State {
  sample: number;
  target: number | null;
  versus: number | null;
  rule: string;
  parameters: Record<string, Parameter>;
}

export interface Request extends State {
  seq: number;
}

export interface Grid {
  height: number;
  width: number;
}

/** One summed channel: 128 is zero, 0 marks what is not finite. */
export interface Flat extends Grid {
  limit: Figure;
  tile: Uint8Array;
}

export interface MapsMass extends Grid {
  kind: "maps";
  channels: number;
  shown: number[];
  sums: Figure[];
  limit: Figure;
  /** One tile per shown channel, one after the other. */
  tiles: Uint8Array;
  flat: Flat | null;
}

export interface VectorMass {
  kind: "vector";
  channels: number;
  values: Float32Array;
}

export interface NoMass {
  kind: "none";
}

export type Mass = MapsMass | VectorMass | NoMass;

export interface Frame {
  name: string;
  module: string;
  op: string;
  group: string;
  shape: number[];
  arriving: Figure;
  intercept: Figure;
  unshared: Figure;
  added: Figure;
  cut_gradient: Figure;
  cut_bias: Figure;
  cut_unshared: Figure;
  residual: Figure;
  exact: boolean;
  mass: Mass;
}

export interface PictureInput extends Grid {
  kind: "picture";
  name: string;
  label: string | null;
  shape: number[];
  /** Null where the input has neither one nor three channels: there is nothing to look at. */
  rgb: Uint8Array | null;
}

export interface VectorInput {
  kind: "vector";
  name: string;
  label: string | null;
  shape: number[];
  names: string[] | null;
  values: Float32Array;
}

export interface Film {
  key: string;
  answers: number | null;
  state: State;
  network: string;
  precision: string;
  target: { index: number | null; label: string; value: Figure; versus: number | null };
  scores: Figure[];
  input: PictureInput | VectorInput;
  pictures: Grid & { gradient: Float32Array; bias: Float32Array };
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
  /** Size of the blob, to bound what the page keeps. */
  bytes: number;
}

export interface Thumbs extends Grid {
  items: (Uint8Array | null)[];
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
  parameters: RuleParameter[];
}

export interface Setup {
  network: string;
  classes: string[] | null;
  samples: { name: string; label: string | null }[];
  rules: Rule[];
  notices: string[];
}

export interface Progress {
  seq: number | null;
  stage: string;
  done: number;
  total: number;
}

export interface Failure {
  seq: number | null;
  title: string;
  message: string;
  traceback: string;
}
