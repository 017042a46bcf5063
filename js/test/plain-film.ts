/** A film that needs no wire, and a unit's equation that adds up: what the charts of one step are tested on. */

import type { ChannelsAnswer, Come, Given, UnitAnswer } from "../src/detail";
import type { Film, Frame, Maps, Planes, Spread, Tensor, Vector } from "../src/film";
import { FIRST_LOOK } from "../src/look";

/** A small generator with a seed: the same film every time. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function planesOf(
  random: () => number,
  shown: number,
  height: number,
  width: number,
): Planes {
  const size = height * width;
  const tiles = Uint8Array.from({ length: shown * size }, (_, index) => {
    const tile = Math.floor(index / size);
    const down = Math.floor((index % size) / width) / height - 0.45;
    const across = ((index % size) % width) / width - 0.5;
    const ring = Math.exp(-(((Math.hypot(down, across) - 0.28) / 0.12) ** 2));
    const value = ring * (1 - tile * 0.035) + (random() - 0.55) * 0.5;
    return Math.max(1, Math.min(255, Math.round(128 + 127 * Math.max(-1, Math.min(1, value)))));
  });
  return {
    limit: 0.0012,
    tiles,
    sums: Array.from(
      { length: shown },
      (_, tile) => 0.055 * 0.9 ** tile * (tile % 7 === 6 ? -1 : 1),
    ),
    clipped: Array.from({ length: shown }, () => 0),
    broken: Array.from({ length: shown }, () => 0),
  };
}

export interface MapsRecipe {
  channels: number;
  shown: number[];
  height: number;
  width: number;
  block?: number;
}

export function mapsOf({ channels, shown, height, width, block = 1 }: MapsRecipe, seed = 1): Maps {
  const random = dice(seed);
  return {
    kind: "maps",
    channels,
    shown,
    height,
    width,
    block,
    flat: { height, width, limit: 0.01, tile: new Uint8Array(height * width).fill(128) },
    mass: planesOf(random, shown.length, height, width),
    value: planesOf(random, shown.length, height, width),
    contribution: planesOf(random, shown.length, height, width),
  };
}

export function vectorOf(channels: number, seed = 3): Vector {
  const random = dice(seed);
  const some = () => Float32Array.from({ length: channels }, () => (random() - 0.35) ** 3);
  return { kind: "vector", channels, mass: some(), value: some(), contribution: some() };
}

/** How the units of a value lie that keeps its channels first, and its rows and columns last. */
export function gridOf(shape: readonly number[]): Spread {
  const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
  const count = product(shape);
  if (shape.length < 2 || count === shape[0]) {
    return { kind: "vector", channels: count, height: 1, width: count, placed: false, lead: 0 };
  }
  const [height = 1, width = 1] = shape.length > 2 ? shape.slice(-2) : [1, shape[1]];
  return { kind: "maps", channels: count / (height * width), height, width, placed: true, lead: 0 };
}

export function frameOf(name: string, shape: number[], tensor: Tensor, rest: Partial<Frame> = {}) {
  return {
    node: name.replaceAll(".", "_"),
    name,
    module: name,
    op: "convolution",
    shape,
    grid: gridOf(shape),
    mixes: true,
    adds: true,
    arriving: 1.8462,
    intercept: 0.0019,
    unshared: 0,
    cut_gradient: 24.1485,
    cut_bias: 4.4134,
    cut_unshared: 0,
    residual: 1e-6,
    exact: true,
    triage: { broken: 0, negative: 0.1, dead: 0.2, entropy: 0.8, ms: 1 },
    field: null,
    sees: [],
    tensor,
    ...rest,
  } satisfies Frame;
}

export const MANY = Array.from({ length: 24 }, (_, index) => (index * 37) % 128);

export function plainFilm(rest: Partial<Film> = {}): Film {
  const frames: Frame[] = [
    frameOf("output", [12], { kind: "none" }, { op: "" }),
    frameOf("fc", [512], vectorOf(512), { op: "linear" }),
    frameOf(
      "features.6.expand3x3",
      [128, 27, 27],
      mapsOf({ channels: 128, shown: MANY, height: 27, width: 27 }),
      { field: { start: [-3, -3], step: [8, 8], size: [23, 23] } },
    ),
    frameOf(
      "features.3.squeeze",
      [16, 56, 55],
      mapsOf(
        {
          channels: 16,
          shown: [3, 1, 2, 0, 15, 14, 9, 8, 7, 6, 5, 4, 10, 11, 12, 13],
          height: 28,
          width: 28,
          block: 2,
        },
        5,
      ),
      { field: { start: [-1, -1], step: [4, 4], size: [7, 7] } },
    ),
    frameOf(
      "input",
      [3, 224, 224],
      mapsOf({ channels: 3, shown: [1, 0, 2], height: 56, width: 56, block: 4 }, 7),
      {
        mixes: false,
        field: { start: [0, 0], step: [1, 1], size: [1, 1] },
      },
    ),
  ];
  const stops = frames.map(({ name }, frame) => ({ frame, name, group: name.split(".")[0] ?? "" }));
  return {
    key: '{"rule":"proportional"}',
    answers: null,
    lane: 0,
    part: "whole",
    state: { sample: 0, target: 0, versus: null, rule: "proportional", parameters: {}, plan: {} },
    network: "SqueezeNet",
    precision: "float32",
    target: { index: 0, label: "Egyptian cat", value: 28.5619, versus: null },
    scores: [28.5619],
    input: {
      kind: "picture",
      name: "1 of 7",
      label: "cat",
      title: "",
      shape: [3, 224, 224],
      height: 224,
      width: 224,
      rgb: null,
    },
    pictures: {
      height: 1,
      width: 1,
      gradient: new Float32Array(1),
      bias: new Float32Array(1),
      gradient_sum: 24,
      bias_sum: 4.5619,
    },
    others: [],
    totals: {
      value: 28.5619,
      gradient: 24,
      bias: 4.5619,
      unshared: 0,
      residual: 0,
      tolerance: 1e-4,
      exact: true,
    },
    frames,
    levels: { blocks: stops, layers: stops, ops: stops },
    flows: [],
    bytes: 1000,
    ...rest,
  };
}

export const LOOK = { ...FIRST_LOOK, step: 2 };

/** An equation whose parts add up to its mass, of so many terms out of `count`. */
export function unitAnswer(rest: Partial<UnitAnswer> = {}, few = 9, count = 288): UnitAnswer {
  const random = dice(11);
  const mass = 554.38e-6;
  const own = 3.1e-6;
  const shares = Array.from({ length: few }, (_, index) => 0.069 / (1 + index * 0.6));
  const terms: Given[] = shares.map((share, index) => ({
    frame: 3,
    at: [15 - index, 16 + (index % 3), 12],
    name: "features.3.squeeze",
    weight: (random() - 0.5) * 0.6,
    value: 200 + 500 * random(),
    strength: 100 * share,
    share,
    mass: share * mass,
  }));
  const sum = (values: number[]) => values.reduce((total, one) => total + one, 0);
  const parts = [0.4, 0.25, 0.12].map((part) => part * (mass - own));
  const comes: Come[] = parts.map((part, index) => ({
    frame: 1,
    at: [40 + index],
    name: "fc",
    share: 0.01 * (index + 1),
    mass: part / (0.01 * (index + 1)),
    part,
  }));
  return {
    kind: "unit",
    node: "features_6_expand3x3",
    unit: [79, 16, 12],
    value: 1.25,
    grad: -0.031,
    mass,
    arrived: mass - own,
    own,
    unshared: 0,
    rule: "proportional(power=1.0)",
    formula: "φ = |s|^power",
    gives: {
      terms,
      count,
      rest_share: 1 - sum(shares),
      rest_mass: mass - sum(shares) * mass,
    },
    comes: { terms: comes, count: 9, rest_part: mass - own - sum(parts) },
    python: 'explorer.attribution.unit("features_6_expand3x3", (79, 16, 12))',
    ...rest,
  };
}

export function channelsAnswer(shown: number[], pages = 6): ChannelsAnswer {
  const tensor = mapsOf({ channels: 128, shown, height: 27, width: 27 }, 17);
  return { kind: "channels", pages, tensor };
}
