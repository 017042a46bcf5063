/** Films that no network made, plausible enough to look at: mass that starts wide and ends on a shape. */

import { keyOf, type Question } from "../src/detail";
import type { State } from "../src/film";
import { Packer } from "./pack";
import { CLASSES } from "./setup";

export interface Recipe {
  stops: number;
  size: number;
  state: State;
  answers: number | null;
  lane?: number;
  part?: "numbers" | "whole";
  /** Let the gathered bias change sign on the way. */
  negative?: boolean;
  /** Put NaN into the attribution and into one tile. */
  broken?: boolean;
  kind?: "picture" | "vector";
  shift?: number;
}

/** A small generator with a seed: the same recipe is the same film. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** How much of the subject is at a place: a ring with two ears and a blot below it. */
function subject(down: number, across: number, sample: number): number {
  const x = across - 0.45 - 0.05 * sample;
  const y = down - 0.42;
  const ring = Math.exp(-(((Math.hypot(x, y) - 0.24) / 0.035) ** 2));
  const ears = [-0.17, 0.17].map((at) =>
    Math.exp(-(((x - at) / 0.05) ** 2) - ((y + 0.27) / 0.07) ** 2),
  );
  const body = 0.6 * Math.exp(-((x / 0.3) ** 2) - ((y - 0.42) / 0.16) ** 2);
  return ring + body + (ears[0] ?? 0) + (ears[1] ?? 0);
}

function scene(size: number, sample: number): Uint8Array {
  const rgb = new Uint8Array(size * size * 3);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const down = row / size;
      const across = column / size;
      const here = Math.min(1, subject(down, across, sample));
      const stripes = 18 * Math.sin(across * 40 + down * 12);
      const at = (row * size + column) * 3;
      rgb[at] = 92 + 90 * here + 60 * down + stripes;
      rgb[at + 1] = 120 - 10 * here - 20 * down + stripes;
      rgb[at + 2] = 126 - 60 * here - 40 * down;
    }
  }
  return rgb;
}

/** Codes of a tile of signed mass, sharper the finer it is. */
function tile(
  height: number,
  width: number,
  random: () => number,
  sample: number,
  lean: number,
): Uint8Array {
  const codes = new Uint8Array(height * width);
  for (let index = 0; index < codes.length; index += 1) {
    const down = (Math.floor(index / width) + 0.5) / height;
    const across = ((index % width) + 0.5) / width;
    const value = subject(down, across, sample) * (0.5 + lean) + (random() - 0.5) * 0.5 - 0.05;
    codes[index] = Math.max(
      1,
      Math.min(255, Math.round(128 + 127 * Math.max(-1, Math.min(1, value)))),
    );
  }
  return codes;
}

function attribution(
  size: number,
  random: () => number,
  sum: number,
  sample: number,
  noise: number,
): Float32Array {
  const values = new Float32Array(size * size);
  let total = 0;
  for (let index = 0; index < values.length; index += 1) {
    const here = subject(Math.floor(index / size) / size, (index % size) / size, sample);
    const value = here * (0.4 + random()) + (random() - 0.5) * noise * (0.2 + here);
    values[index] = value;
    total += value;
  }
  return values.map((value) => (value * sum) / total);
}

interface Stop {
  name: string;
  group: string;
  height: number;
  channels: number;
  /** An op that adds nothing and shares nothing by rule: a stop at the level of ops only. */
  quiet?: boolean;
}

function stopsOf({ stops, size }: Recipe): Stop[] {
  const inner = stops - 2;
  const list: Stop[] = [{ name: "output", group: "output", height: 1, channels: CLASSES.length }];
  for (let index = 0; index < inner; index += 1) {
    const depth = 1 - (index + 1) / (inner + 1);
    const level = Math.min(4, Math.floor(depth * 5));
    const height = Math.max(Math.round(size / 2 ** (level + (size > 64 ? 1 : 0))), 4);
    const name = index === 0 ? "fc" : `layer${level}.${inner - index}.conv${(index % 2) + 1}`;
    const group = name.split(".")[0] ?? "";
    const channels = 16 << level;
    if (index > 0) list.push({ name: `${name}.relu`, group, height, channels, quiet: true });
    list.push({ name, group, height: index === 0 ? 1 : height, channels });
  }
  list.push({ name: "input", group: "input", height: size, channels: 3 });
  return list;
}

const round = (value: number) => Number(value.toPrecision(9));

export function makeFilm(recipe: Recipe): DataView {
  const { state, answers, size, kind = "picture", shift = 0 } = recipe;
  const random = dice(
    state.sample * 97 + state.rule.length * 13 + (state.target ?? 0) * 7 + recipe.stops,
  );
  const packer = new Packer();
  const target = state.target ?? 0;
  const value = 28.5619 - target * 1.7;
  const added = stopsOf(recipe).map(({ quiet }, index, all) => {
    if (index === 0 || index === all.length - 1 || quiet) return 0;
    const size = random() ** 5 * (index === Math.round(all.length / 5) ? 40 : 1.4);
    return recipe.negative && random() < 0.55 ? -size * 1.6 : size * (random() < 0.12 ? -0.4 : 1);
  });
  const b = added.reduce((total, one) => total + one, 0);
  let arriving = 0;
  const frames = stopsOf(recipe).map((stop, index, all) => {
    const own = added[index] ?? 0;
    const before = arriving;
    arriving += own;
    const ends = index === 0 || index === all.length - 1;
    const sees = 2 ** Math.max(0, Math.log2(size / Math.max(1, stop.height)));
    return {
      node: stop.name.replaceAll(".", "_"),
      name: stop.name,
      module: ends ? "" : stop.name.replace(".relu", ""),
      op: stop.quiet ? "relu" : stop.height === 1 ? "linear" : "convolution",
      mixes: !ends && !stop.quiet,
      adds: own !== 0,
      shape: stop.height === 1 ? [stop.channels] : [stop.channels, stop.height, stop.height],
      grid: index === 0 ? null : gridOf(stop, recipe),
      arriving: round(before),
      intercept: round(own),
      unshared: 0,
      cut_gradient: round(value - arriving),
      cut_bias: round(arriving),
      cut_unshared: 0,
      residual: ends ? 0 : round((random() - 0.5) * 4e-6),
      exact: true,
      triage: {
        broken: recipe.broken && index === 3 ? 5 : 0,
        negative: round(random() / 2),
        dead: round(random()),
        entropy: ends || stop.quiet ? null : round(random()),
        ms: round(random() * 5),
      },
      field:
        stop.height === 1
          ? null
          : { start: [-sees, -sees], step: [sees, sees], size: [3 * sees, 3 * sees] },
      tensor: tensor(stop, index, packer, random, recipe),
    };
  });
  const stops = stopsOf(recipe).map(({ name, group, quiet }, frame) => ({
    frame,
    name,
    group,
    quiet: quiet === true,
  }));
  const bare = ({ frame, name, group }: { frame: number; name: string; group: string }) => ({
    frame,
    name,
    group,
  });
  const last = stops.length - 1;
  const levels = {
    ops: stops.map(bare),
    layers: stops.filter(({ quiet }) => !quiet).map(bare),
    blocks: stops
      .filter(({ group, frame }) => frame === 0 || group !== stops[frame + 1]?.group)
      .map(({ frame, name, group }) => ({
        frame,
        name: frame === 0 || frame === last ? name : group,
        group,
      })),
  };
  // A chain, with a skip of a third of the mass past every fifth step.
  const flows = frames.slice(0, -1).flatMap((frame, from) => {
    const net = round(frame.arriving + frame.intercept);
    return [[from, from + 1, net, Math.abs(net) * 1.4]];
  });
  const side = Math.min(size, 224);
  const gradient = attribution(side, random, value - b, state.sample, 6);
  const bias = attribution(side, random, b, state.sample, 1.2);
  if (recipe.broken) bias.fill(Number.NaN, side * 3, side * 3 + 9);
  const names = [
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
  ];
  const few = Float32Array.from(names, () => (random() - 0.4) * 3);
  const input =
    kind === "picture"
      ? {
          kind,
          name: `${state.sample + 1} of 7`,
          label: CLASSES[state.sample],
          title: "",
          shape: [3, size, size],
          height: size,
          width: size,
          rgb: packer.add(scene(size, state.sample)),
        }
      : {
          kind,
          name: `row ${state.sample}`,
          label: null,
          title: "",
          shape: [names.length],
          height: 1,
          width: names.length,
          names,
          values: packer.add(few),
        };
  const pictures =
    kind === "picture"
      ? { height: side, width: side, gradient: packer.add(gradient), bias: packer.add(bias) }
      : {
          height: 1,
          width: names.length,
          gradient: packer.add(few.map((x) => x * 1.3)),
          bias: packer.add(few.map((x) => x * x * 0.2 - 0.3)),
        };
  const header = {
    version: 2,
    key: keyOf(state),
    answers,
    lane: recipe.lane ?? 0,
    part: recipe.part ?? "whole",
    state,
    network: recipe.stops > 60 ? "ResNet-50" : "ResNet-18",
    precision: "float32",
    target: { index: target, label: CLASSES[target], value: round(value), versus: state.versus },
    scores: CLASSES.map((_, index) => round(28.5619 - index * 1.7)),
    input,
    pictures: { ...pictures, gradient_sum: round(value - b), bias_sum: round(b) },
    others: [],
    totals: {
      value: round(value),
      gradient: round(value - b),
      bias: round(b),
      unshared: 0,
      residual: 1.2e-6,
      tolerance: 1e-4,
      exact: true,
    },
    frames,
    levels,
    flows,
  };
  return packer.pack(header, shift);
}

function gridOf({ channels, height }: Stop, { kind }: Recipe): object {
  return height === 1 || kind === "vector"
    ? { kind: "vector", channels, height: 1, width: channels, placed: false, lead: 0 }
    : { kind: "maps", channels, height, width: height, placed: true, lead: 0 };
}

function tensor(
  stop: Stop,
  index: number,
  packer: Packer,
  random: () => number,
  recipe: Recipe,
): object {
  if (index === 0) return { kind: "none" };
  if (recipe.part === "numbers") return { kind: "pending" };
  const { height, channels } = stop;
  if (height === 1 || recipe.kind === "vector") {
    const values = () =>
      packer.add(Float32Array.from({ length: channels }, () => (random() - 0.3) ** 3));
    return {
      kind: "vector",
      channels,
      length: channels,
      value: values(),
      contribution: values(),
      mass: values(),
    };
  }
  const shown = Array.from({ length: Math.min(24, channels) }, (_, at) => (at * 37) % channels);
  return maps(shown, channels, height, packer, random, recipe);
}

function maps(
  shown: number[],
  channels: number,
  height: number,
  packer: Packer,
  random: () => number,
  recipe: Recipe,
): object {
  const block = Math.ceil(height / 56);
  const small = Math.ceil(height / block);
  const planes = () => {
    const tiles = new Uint8Array(shown.length * small * small);
    shown.forEach((_, at) => {
      const lean = 0.4 - (at % 24) * 0.03;
      tiles.set(tile(small, small, random, recipe.state.sample, lean), at * small * small);
    });
    if (recipe.broken) tiles.fill(0, small, small + 5);
    return {
      limit: 0.0012,
      tiles: packer.add(tiles),
      sums: shown.map((_, at) => round(0.08 * 0.93 ** at * (at % 7 === 6 ? -1 : 1))),
      clipped: shown.map(() => 0),
      broken: shown.map((_, at) => (recipe.broken && at === 0 ? 5 : 0)),
    };
  };
  return {
    kind: "maps",
    channels,
    height: small,
    width: small,
    block,
    shown,
    flat: {
      limit: 0.01,
      height: small,
      width: small,
      tile: packer.add(tile(small, small, random, recipe.state.sample, 0.5)),
    },
    value: planes(),
    contribution: planes(),
    mass: planes(),
  };
}

/** The answer to a question, as the kernel would give it. */
export function makeDetail(question: Question, shift = 0): DataView {
  const packer = new Packer();
  const random = dice(JSON.stringify(question).length * 7);
  const key = keyOf(question);
  if (question.kind === "parts") {
    const gradient = CLASSES.map((_, index) => round(4 - index * 0.3 + random() * 4));
    const bias = CLASSES.map((_, index) => round(24 - index * 1.4 + random() * 4));
    return packer.pack({ version: 2, key, kind: "parts", gradient, bias }, shift);
  }
  if (question.kind === "channels") {
    const shown = Array.from({ length: 24 }, (_, at) => question.page * 24 + at);
    const state = { ...FIRST, sample: 0 };
    const recipe: Recipe = { stops: 8, size: 16, state, answers: null };
    const tensor = maps(shown, 96, 14, packer, random, recipe);
    return packer.pack({ version: 2, key, kind: "channels", pages: 4, tensor }, shift);
  }
  const terms = Array.from({ length: 12 }, (_, at) => {
    const weight = round(random() - 0.4);
    const value = round(random() * 500);
    const share = round(0.07 * 0.8 ** at);
    return {
      frame: question.frame + 1,
      at: [15 + at, 16, 12],
      name: "features.6.squeeze",
      weight,
      value,
      strength: round(weight * value),
      share,
      mass: round(share * 0.000554),
    };
  });
  const rest_share = round(1 - terms.reduce((sum, { share }) => sum + share, 0));
  const from = Array.from({ length: 4 }, (_, at) => ({
    frame: Math.max(0, question.frame - 1),
    at: [at, 8, 6],
    name: "features.7",
    share: round(0.3 - at * 0.05),
    mass: 0.0008,
    part: round((0.3 - at * 0.05) * 0.0008),
  }));
  return packer.pack(
    {
      version: 2,
      key,
      kind: "unit",
      node: "convolution_3",
      unit: question.unit,
      value: 12.3,
      grad: 0.00021,
      mass: 0.000554,
      arrived: 0.00055,
      own: 0.000004,
      unshared: 0,
      rule: "proportional(power=1.0)",
      formula: "φ = |s|^power",
      gives: { terms, count: 288, rest_share, rest_mass: round(rest_share * 0.000554) },
      comes: { terms: from, count: 9, rest_part: 0.00003 },
      python: 'explorer.attribution.unit("convolution_3", (79, 16, 12))',
    },
    shift,
  );
}

const FIRST: State = {
  sample: 0,
  target: 0,
  versus: null,
  rule: "proportional",
  parameters: { power: 1 },
  plan: {},
};

/** Films and answers for a page without a kernel. */
export function makeKept(films: DataView[], details: DataView[], look: object): DataView {
  const packer = new Packer();
  const add = (blob: DataView) => {
    const bytes = new Uint8Array(blob.buffer, blob.byteOffset, blob.byteLength);
    return [packer.add(bytes), blob.byteLength];
  };
  return packer.pack({ version: 2, films: films.map(add), details: details.map(add), look });
}

export function makeThumbs(count: number, size = 32): DataView {
  const packer = new Packer();
  const items = Array.from({ length: count }, (_, sample) => packer.add(scene(size, sample)));
  return packer.pack({
    version: 2,
    height: size,
    width: size,
    items,
    traces: items.map(() => null),
  });
}
