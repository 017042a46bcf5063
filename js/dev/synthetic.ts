/** Films that no network made, plausible enough to look at: mass that starts wide and ends on a shape. */

import type { State } from "../src/film";
import { Packer } from "./pack";
import { CLASSES } from "./setup";

export interface Recipe {
  stops: number;
  size: number;
  state: State;
  answers: number | null;
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
}

function stopsOf({ stops, size }: Recipe): Stop[] {
  const inner = stops - 2;
  const list: Stop[] = [{ name: "output", group: "output", height: 1, channels: CLASSES.length }];
  for (let index = 0; index < inner; index += 1) {
    const depth = 1 - (index + 1) / (inner + 1);
    const level = Math.min(4, Math.floor(depth * 5));
    const height = Math.max(Math.round(size / 2 ** (level + (size > 64 ? 1 : 0))), 4);
    const name = index === 0 ? "fc" : `layer${level}.${inner - index}.conv${(index % 2) + 1}`;
    list.push({
      name,
      group: name.split(".")[0] ?? "",
      height: index === 0 ? 1 : height,
      channels: 16 << level,
    });
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
  const added = stopsOf(recipe).map((_, index, all) => {
    if (index === 0 || index === all.length - 1) return 0;
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
    return {
      name: stop.name,
      module: stop.name,
      op: stop.height === 1 ? "linear" : "convolution",
      group: stop.group,
      shape: stop.height === 1 ? [stop.channels] : [stop.channels, stop.height, stop.height],
      arriving: round(before),
      intercept: round(own),
      unshared: 0,
      added: round(own),
      cut_gradient: round(value - arriving),
      cut_bias: round(arriving),
      cut_unshared: 0,
      residual: ends ? 0 : round((random() - 0.5) * 4e-6),
      exact: true,
      mass: mass(stop, index, packer, random, recipe),
    };
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
          shape: [3, size, size],
          height: size,
          width: size,
          rgb: packer.add(scene(size, state.sample)),
        }
      : {
          kind,
          name: `row ${state.sample}`,
          label: null,
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
    version: 1,
    key: JSON.stringify(state),
    answers,
    state,
    network: recipe.stops > 60 ? "ResNet-50" : "ResNet-18",
    precision: "float32",
    target: { index: target, label: CLASSES[target], value: round(value), versus: state.versus },
    scores: CLASSES.map((_, index) => round(28.5619 - index * 1.7)),
    input,
    pictures,
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
  };
  return packer.pack(header, shift);
}

function mass(
  stop: Stop,
  index: number,
  packer: Packer,
  random: () => number,
  recipe: Recipe,
): object {
  if (index === 0) return { kind: "none" };
  const { height, channels } = stop;
  if (height === 1 || recipe.kind === "vector") {
    const values = Float32Array.from({ length: channels }, () => (random() - 0.3) ** 3);
    return { kind: "vector", channels, height: 1, width: channels, values: packer.add(values) };
  }
  const shown = Array.from({ length: Math.min(24, channels) }, (_, at) => (at * 37) % channels);
  const small = Math.min(height, 56);
  const tiles = new Uint8Array(shown.length * small * small);
  shown.forEach((_, at) => {
    tiles.set(tile(small, small, random, recipe.state.sample, 0.4 - at * 0.03), at * small * small);
  });
  if (recipe.broken) tiles.fill(0, small, small + 5);
  return {
    kind: "maps",
    channels,
    shown,
    sums: shown.map((_, at) => round(0.08 * 0.93 ** at * (at % 7 === 6 ? -1 : 1))),
    height: small,
    width: small,
    limit: 0.0012,
    tiles: packer.add(tiles),
    flat: {
      height: small,
      width: small,
      limit: 0.01,
      tile: packer.add(tile(small, small, random, recipe.state.sample, 0.5)),
    },
  };
}

export function makeThumbs(count: number, size = 32): DataView {
  const packer = new Packer();
  const items = Array.from({ length: count }, (_, sample) => packer.add(scene(size, sample)));
  return packer.pack({ version: 1, height: size, width: size, items });
}
