/**
 * Films and thumbnails off the wire: a length, a JSON header, then a body that the header points into.
 *
 * Arrays are views into the one blob wherever alignment allows, so decoding costs no copy of the tiles.
 */

import { Fields, WireError } from "./fields";
import type { Film, Flat, Frame, Mass, PictureInput, State, Thumbs, VectorInput } from "./film";

const VERSION = 1;

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
  return { height, width, items };
}

export function decodeFilm(data: DataView): Film {
  const { header, body } = open(data, "film");
  const target = header.fields("target");
  const totals = header.fields("totals");
  const frames = header
    .list("frames")
    .map((frame, index) => readFrame(new Fields(frame, `film.frames[${index}]`), body));
  if (frames.length === 0) throw new WireError("film.frames: wanted at least one frame, got none");
  return {
    key: header.text("key"),
    answers: header.figure("answers"),
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
    bytes: data.byteLength,
  };
}

function readState(state: Fields): State {
  return {
    sample: state.size("sample"),
    target: state.figure("target"),
    versus: state.figure("versus"),
    rule: state.text("rule"),
    parameters: state.parameters("parameters"),
  };
}

function readInput(input: Fields, body: Body): PictureInput | VectorInput {
  const kind = input.text("kind");
  const common = {
    name: input.text("name"),
    label: input.textOrNull("label"),
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
  throw new WireError(`${input.path}.kind: wanted "picture" or "vector", got "${kind}"`);
}

function readPictures(pictures: Fields, body: Body): Film["pictures"] {
  const height = pictures.size("height");
  const width = pictures.size("width");
  const part = (name: "gradient" | "bias") =>
    body.float32(pictures.size(name), height * width, `${pictures.path}.${name}`);
  return { height, width, gradient: part("gradient"), bias: part("bias") };
}

function readFrame(frame: Fields, body: Body): Frame {
  return {
    name: frame.text("name"),
    module: frame.text("module"),
    op: frame.text("op"),
    group: frame.text("group"),
    shape: frame.sizes("shape"),
    arriving: frame.figure("arriving"),
    intercept: frame.figure("intercept"),
    unshared: frame.figure("unshared"),
    added: frame.figure("added"),
    cut_gradient: frame.figure("cut_gradient"),
    cut_bias: frame.figure("cut_bias"),
    cut_unshared: frame.figure("cut_unshared"),
    residual: frame.figure("residual"),
    exact: frame.flag("exact"),
    mass: readMass(frame.fields("mass"), body),
  };
}

function readMass(mass: Fields, body: Body): Mass {
  const kind = mass.text("kind");
  if (kind === "none") return { kind };
  if (kind === "vector") {
    const values = body.float32(mass.size("values"), mass.size("width"), `${mass.path}.values`);
    return { kind, channels: mass.size("channels"), values };
  }
  if (kind === "maps") {
    const shown = mass.sizes("shown");
    const sums = mass.figures("sums");
    if (sums.length !== shown.length) {
      throw new WireError(`${mass.path}.sums: wanted ${shown.length} sums, got ${sums.length}`);
    }
    const height = mass.size("height");
    const width = mass.size("width");
    const count = shown.length * height * width;
    return {
      kind,
      channels: mass.size("channels"),
      shown,
      sums,
      height,
      width,
      limit: mass.figure("limit"),
      tiles: body.uint8(mass.size("tiles"), count, `${mass.path}.tiles`),
      flat: readFlat(mass.fieldsOrNull("flat"), body),
    };
  }
  throw new WireError(`${mass.path}.kind: wanted "maps", "vector" or "none", got "${kind}"`);
}

function readFlat(flat: Fields | null, body: Body): Flat | null {
  if (flat === null) return null;
  const height = flat.size("height");
  const width = flat.size("width");
  const tile = body.uint8(flat.size("tile"), height * width, `${flat.path}.tile`);
  return { height, width, limit: flat.figure("limit"), tile };
}
