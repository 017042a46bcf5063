/**
 * Films and thumbnails off the wire: a length, a JSON header, then a body that the header points into.
 *
 * Arrays are views into the one blob wherever alignment allows, so decoding costs no copy of the tiles.
 */

import type { Answer, Come, Given } from "./detail";
import { Fields, WireError } from "./fields";
import type {
  Choice,
  Field,
  Figure,
  Film,
  Flat,
  Flow,
  Frame,
  Input,
  Lane,
  Level,
  Maps,
  Pictures,
  Planes,
  Sight,
  SignalInput,
  Spread,
  State,
  Stop,
  Tensor,
  Thumbs,
  Trace,
} from "./film";

const VERSION = 2;

/** The part behind the header. */
class Body {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  uint8(offset: number, count: number, path: string): Uint8Array {
    const end = offset + count;
    if (end > this.#bytes.byteLength) {
      throw new WireError(
        `${path}: wanted bytes ${offset} to ${end} of the body, got a body of ${this.#bytes.byteLength}`,
      );
    }
    return this.#bytes.subarray(offset, end);
  }

  float32(offset: number, count: number, path: string): Float32Array {
    const bytes = this.uint8(offset, count * 4, path);
    // A widget's bytes may start anywhere in a message; floats need every fourth byte.
    if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, count);
    return new Float32Array(bytes.slice().buffer, 0, count);
  }
}

function open(data: DataView, what: string): { header: Fields; body: Body } {
  if (data.byteLength < 4) {
    throw new WireError(`${what}: wanted at least 4 bytes, got ${data.byteLength}`);
  }
  const length = data.getUint32(0, true);
  if (4 + length > data.byteLength) {
    throw new WireError(
      `${what}: wanted a header of ${length} bytes, got ${data.byteLength - 4} bytes in all`,
    );
  }
  const text = new TextDecoder().decode(new Uint8Array(data.buffer, data.byteOffset + 4, length));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new WireError(`${what}: wanted a JSON header, got "${text.slice(0, 40)}"`, { cause });
  }
  const header = new Fields(parsed, what);
  const version = header.raw("version");
  if (version !== VERSION) {
    throw new WireError(`${what}.version: wanted ${VERSION}, got ${JSON.stringify(version)}`);
  }
  const start = data.byteOffset + 4 + length;
  const size = data.byteLength - 4 - length;
  const bytes = new Uint8Array(data.buffer, start, size);
  return { header, body: new Body(bytes) };
}

export function decodeThumbs(data: DataView): Thumbs {
  const { header, body } = open(data, "thumbs");
  const height = header.size("height");
  const width = header.size("width");
  const items = header.list("items").map((offset, index) => {
    if (offset === null) return null;
    const path = `thumbs.items[${index}]`;
    if (typeof offset !== "number") throw new WireError(`${path}: wanted an offset or null`);
    return body.uint8(offset, height * width * 3, path);
  });
  return { height, width, items, traces: readTraces(header, body) };
}

function readTraces(header: Fields, body: Body): (Trace | null)[] {
  return header.list("traces").map((entry, index) => {
    if (entry === null) return null;
    const trace = new Fields(entry, `${header.path}.traces[${index}]`);
    const [lanes, width] = [trace.size("lanes"), trace.size("width")];
    return { lanes, width, ends: body.uint8(trace.size("ends"), lanes * 2 * width, trace.path) };
  });
}

/** What a page without a kernel has been given: films, answers, and what to look at. */
export interface Kept {
  films: Film[];
  details: { key: string; answer: Answer }[];
  look: Record<string, unknown>;
}

export function decodeKept(data: DataView): Kept {
  const { header, body } = open(data, "kept");
  const inner = (name: string) =>
    header.list(name).map((entry, index) => {
      const path = `kept.${name}[${index}]`;
      if (!Array.isArray(entry) || entry.length !== 2 || !entry.every(Number.isInteger)) {
        throw new WireError(`${path}: wanted [offset, length]`);
      }
      const bytes = body.uint8(entry[0], entry[1], path);
      return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    });
  return {
    films: inner("films").map(decodeFilm),
    details: inner("details").map(decodeDetail),
    look: header.object("look"),
  };
}

export function decodeDetail(data: DataView): { key: string; answer: Answer } {
  const { header, body } = open(data, "detail");
  return { key: header.text("key"), answer: readAnswer(header, body) };
}

function readAnswer(header: Fields, body: Body): Answer {
  const kind = header.text("kind");
  if (kind === "parts") {
    return { kind, gradient: header.figures("gradient"), bias: header.figures("bias") };
  }
  if (kind === "channels") {
    const tensor = readTensor(header.fields("tensor"), body);
    if (tensor.kind !== "maps") {
      throw new WireError(`detail.tensor.kind: wanted "maps", got "${tensor.kind}"`);
    }
    return { kind, pages: header.size("pages"), tensor };
  }
  if (kind !== "unit") {
    throw new WireError(`detail.kind: wanted "unit", "channels" or "parts", got "${kind}"`);
  }
  const gives = header.fields("gives");
  const comes = header.fields("comes");
  return {
    kind,
    node: header.text("node"),
    unit: header.sizes("unit"),
    value: header.figure("value"),
    grad: header.figure("grad"),
    mass: header.figure("mass"),
    arrived: header.figure("arrived"),
    own: header.figure("own"),
    unshared: header.figure("unshared"),
    rule: header.textOrNull("rule") ?? "",
    formula: header.textOrNull("formula") ?? "",
    gives: {
      terms: gives.each("terms", readGiven),
      count: gives.size("count"),
      rest_share: gives.figure("rest_share"),
      rest_mass: gives.figure("rest_mass"),
    },
    comes: {
      terms: comes.each("terms", readCome),
      count: comes.size("count"),
      rest_part: comes.figure("rest_part"),
    },
    python: header.text("python"),
  };
}

function readGiven(term: Fields): Given {
  return {
    frame: term.size("frame"),
    at: term.sizes("at"),
    name: term.text("name"),
    weight: term.figure("weight"),
    value: term.figure("value"),
    strength: term.figure("strength"),
    share: term.figure("share"),
    mass: term.figure("mass"),
  };
}

function readCome(term: Fields): Come {
  return {
    frame: term.size("frame"),
    at: term.sizes("at"),
    name: term.text("name"),
    share: term.figure("share"),
    mass: term.figure("mass"),
    part: term.figure("part"),
  };
}

export function decodeFilm(data: DataView): Film {
  const { header, body } = open(data, "film");
  const target = header.fields("target");
  const totals = header.fields("totals");
  const levels = header.fields("levels");
  const several = header.list("others").length > 0;
  const frames = header.each("frames", (frame) => readFrame(frame, body, several));
  if (frames.length === 0) throw new WireError("film.frames: wanted at least one frame, got none");
  return {
    key: header.text("key"),
    answers: header.figure("answers"),
    lane: header.size("lane"),
    part: header.text("part") === "numbers" ? "numbers" : "whole",
    state: readState(header.fields("state")),
    network: header.text("network"),
    precision: header.text("precision"),
    target: {
      index: target.figure("index"),
      label: target.text("label"),
      value: target.figure("value"),
      versus: target.figure("versus"),
    },
    scores: header.figures("scores"),
    input: readInput(header.fields("input"), body),
    pictures: readPictures(header.fields("pictures"), body),
    others: header.each("others", (other) => ({
      input: readInput(other.fields("input"), body),
      pictures: readPictures(other.fields("pictures"), body),
      frame: readFrame(other.fields("frame"), body, true),
    })),
    totals: {
      value: totals.figure("value"),
      gradient: totals.figure("gradient"),
      bias: totals.figure("bias"),
      unshared: totals.figure("unshared"),
      residual: totals.figure("residual"),
      tolerance: totals.figure("tolerance"),
      exact: totals.flag("exact"),
    },
    frames,
    levels: {
      blocks: readStops(levels, "blocks", frames.length),
      layers: readStops(levels, "layers", frames.length),
      ops: readStops(levels, "ops", frames.length),
    },
    flows: header.list("flows").map((flow, index) => readFlow(flow, `film.flows[${index}]`)),
    bytes: data.byteLength,
  };
}

function readStops(levels: Fields, level: Level, count: number): Stop[] {
  const stops = levels.each(level, (stop) => ({
    frame: stop.size("frame"),
    name: stop.text("name"),
    group: stop.text("group"),
  }));
  const far = stops.find((stop) => stop.frame >= count);
  if (stops.length === 0 || far) {
    const came = far ? `a stop at frame ${far.frame}` : "none";
    throw new WireError(
      `${levels.path}.${level}: wanted stops at frames below ${count}, got ${came}`,
    );
  }
  return stops;
}

function readFlow(flow: unknown, path: string): Flow {
  const isFigure = (value: unknown): value is Figure => value === null || typeof value === "number";
  if (Array.isArray(flow) && flow.length === 4) {
    const [from, to, net, gross] = flow as unknown[];
    if (typeof from === "number" && typeof to === "number" && isFigure(net) && isFigure(gross)) {
      return { from, to, net, gross };
    }
  }
  throw new WireError(`${path}: wanted [from, to, net, gross]`);
}

function readChoice(choice: Fields): Choice {
  return { rule: choice.text("rule"), parameters: choice.parameters("parameters") };
}

export function readState(state: Fields): State {
  return {
    sample: state.size("sample"),
    target: state.figure("target"),
    versus: state.figure("versus"),
    ...readLane(state),
  };
}

/** A rule, its parameters, and the plan beside it. */
export function readLane(lane: Fields): Lane {
  const plan = lane.fields("plan");
  const entries = plan.names.map((name) => [name, readChoice(plan.fields(name))] as const);
  return { ...readChoice(lane), plan: Object.fromEntries(entries) };
}

function readInput(input: Fields, body: Body): Input {
  const kind = input.text("kind");
  const common = {
    name: input.text("name"),
    label: input.textOrNull("label"),
    title: input.text("title"),
    shape: input.sizes("shape"),
  };
  if (kind === "picture") {
    const height = input.size("height");
    const width = input.size("width");
    const rgb =
      input.raw("rgb") === null
        ? null
        : body.uint8(input.size("rgb"), height * width * 3, `${input.path}.rgb`);
    return { kind, ...common, height, width, rgb };
  }
  if (kind === "vector") {
    const values = body.float32(input.size("values"), input.size("width"), `${input.path}.values`);
    const names = input.textsOrNull("names");
    if (names !== null && names.length !== values.length) {
      throw new WireError(
        `${input.path}.names: wanted ${values.length} names, got ${names.length}`,
      );
    }
    return { kind, ...common, names, values };
  }
  if (kind === "signal") return { kind, ...common, ...readSignal(input, body) };
  throw new WireError(`${input.path}.kind: wanted "picture", "signal" or "vector", got "${kind}"`);
}

function readSignal(
  input: Fields,
  body: Body,
): Omit<SignalInput, "kind" | "name" | "label" | "title" | "shape"> {
  const height = input.size("height");
  const width = input.size("width");
  const named = (name: "names" | "lanes", count: number) => {
    const names = input.textsOrNull(name);
    if (names === null || names.length === count) return names;
    throw new WireError(`${input.path}.${name}: wanted ${count} names, got ${names.length}`);
  };
  return {
    height,
    width,
    channels: input.size("channels"),
    length: input.size("length"),
    block: Math.max(1, input.size("block")),
    axes: readAxes(input.fieldsOrNull("axes")),
    names: named("names", width),
    lanes: named("lanes", height),
    values: body.float32(input.size("values"), height * width, `${input.path}.values`),
  };
}

function readAxes(axes: Fields | null): SignalInput["axes"] {
  if (axes === null) return null;
  const positions = axes.text("positions") === "first" ? "first" : "last";
  return { positions, told: axes.textOrNull("told") };
}

function readPictures(pictures: Fields, body: Body): Pictures {
  const height = pictures.size("height");
  const width = pictures.size("width");
  const part = (name: "gradient" | "bias") =>
    body.float32(pictures.size(name), height * width, `${pictures.path}.${name}`);
  return {
    height,
    width,
    gradient: part("gradient"),
    bias: part("bias"),
    gradient_sum: pictures.figure("gradient_sum"),
    bias_sum: pictures.figure("bias_sum"),
  };
}

function readFrame(frame: Fields, body: Body, several: boolean): Frame {
  const triage = frame.fields("triage");
  return {
    node: frame.text("node"),
    name: frame.text("name"),
    module: frame.text("module"),
    op: frame.text("op"),
    shape: frame.sizes("shape"),
    grid: readGrid(frame.fieldsOrNull("grid")),
    mixes: frame.flag("mixes"),
    adds: frame.flag("adds"),
    arriving: frame.figure("arriving"),
    intercept: frame.figure("intercept"),
    unshared: frame.figure("unshared"),
    cut_gradient: frame.figure("cut_gradient"),
    cut_bias: frame.figure("cut_bias"),
    cut_unshared: frame.figure("cut_unshared"),
    residual: frame.figure("residual"),
    exact: frame.flag("exact"),
    triage: {
      broken: triage.size("broken"),
      negative: triage.figure("negative"),
      dead: triage.figure("dead"),
      entropy: triage.figure("entropy"),
      ms: triage.figure("ms"),
    },
    field: readField(frame.fieldsOrNull("field")),
    sees: several ? readSights(frame) : [],
    tensor: readTensor(frame.fields("tensor"), body),
  };
}

/** The output has none: nothing of it is drawn. */
function readGrid(grid: Fields | null): Spread {
  if (grid === null)
    return { kind: "vector", channels: 0, height: 1, width: 0, placed: false, lead: 0 };
  return {
    kind: grid.text("kind") === "maps" ? "maps" : "vector",
    channels: grid.size("channels"),
    height: grid.size("height"),
    width: grid.size("width"),
    placed: grid.flag("placed"),
    lead: grid.size("lead"),
  };
}

/** The output sees nothing that is drawn. */
function readSights(frame: Fields): (Sight | null)[] {
  return frame.list("sees").map((sight, index) => {
    if (sight === null) return null;
    const fields = new Fields(sight, `${frame.path}.sees[${index}]`);
    return { placed: fields.flag("placed"), field: readField(fields.fieldsOrNull("field")) };
  });
}

function readField(field: Fields | null): Field | null {
  if (field === null) return null;
  const pair = (name: string): [number, number] => {
    const [first, second, ...more] = field.figures(name);
    if (typeof first !== "number" || typeof second !== "number" || more.length > 0) {
      throw new WireError(`${field.path}.${name}: wanted two numbers`);
    }
    return [first, second];
  };
  return { start: pair("start"), step: pair("step"), size: pair("size") };
}

function readTensor(tensor: Fields, body: Body): Tensor {
  const kind = tensor.text("kind");
  if (kind === "none" || kind === "pending") return { kind };
  if (kind === "vector") {
    const length = tensor.size("length");
    const part = (name: string) =>
      body.float32(tensor.size(name), length, `${tensor.path}.${name}`);
    return {
      kind,
      channels: tensor.size("channels"),
      value: part("value"),
      contribution: part("contribution"),
      mass: part("mass"),
    };
  }
  if (kind === "maps") return readMaps(tensor, body);
  throw new WireError(
    `${tensor.path}.kind: wanted "maps", "vector", "none" or "pending", got "${kind}"`,
  );
}

function readMaps(tensor: Fields, body: Body): Maps {
  const shown = tensor.sizes("shown");
  const height = tensor.size("height");
  const width = tensor.size("width");
  const planes = (name: string) =>
    readPlanes(tensor.fields(name), body, shown.length, height * width);
  return {
    kind: "maps",
    channels: tensor.size("channels"),
    height,
    width,
    block: tensor.size("block"),
    shown,
    flat: readFlat(tensor.fields("flat"), body),
    value: planes("value"),
    contribution: planes("contribution"),
    mass: planes("mass"),
  };
}

function readPlanes(planes: Fields, body: Body, count: number, size: number): Planes {
  const one = {
    limit: planes.figure("limit"),
    tiles: body.uint8(planes.size("tiles"), count * size, `${planes.path}.tiles`),
    sums: planes.figures("sums"),
    clipped: planes.sizes("clipped"),
    broken: planes.sizes("broken"),
  };
  for (const name of ["sums", "clipped", "broken"] as const) {
    if (one[name].length !== count) {
      throw new WireError(
        `${planes.path}.${name}: wanted ${count} entries, got ${one[name].length}`,
      );
    }
  }
  return one;
}

function readFlat(flat: Fields, body: Body): Flat {
  const height = flat.size("height");
  const width = flat.size("width");
  const tile = body.uint8(flat.size("tile"), height * width, `${flat.path}.tile`);
  return { height, width, limit: flat.figure("limit"), tile };
}
