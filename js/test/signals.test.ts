/** A signal explained: bars along its positions, read at one place in all of them. */

import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { gallery } from "../src/charts/gallery";
import { drawBars } from "../src/charts/trace";
import type { Film, SignalInput } from "../src/film";
import { valuesOf } from "../src/lines";
import { FIRST_LOOK, type Look } from "../src/look";
import { fieldSpan } from "../src/places";
import { planesOf } from "../src/planes";
import { decodeFilm } from "../src/wire";
import { choose, chosen, find, press } from "./helpers";
import { recordingOf } from "./setup";

const FILE = `${import.meta.dirname}/../../tests/examples/signal.film`;

function film(): Film {
  const bytes = readFileSync(FILE);
  return decodeFilm(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

function signalOf({ input }: Film) {
  if (input.kind !== "signal") throw new Error("no signal");
  return input;
}

function open(films: Film[], change: Partial<Look> = {}) {
  let look: Look = { ...FIRST_LOOK, lanes: films.map(({ state }) => state), ...change };
  const onLook = vi.fn((more: Partial<Look>) => {
    look = { ...look, ...more };
    update();
  });
  const chart = gallery({ onLook });
  const update = (more = {}) =>
    chart.update({
      films,
      look,
      frame: films[0]?.frames.length ? 2 : 0,
      theme: "light",
      ...more,
    } as never);
  update();
  document.body.append(chart.node);
  return { ...chart, update, onLook };
}

const traces = (root: ParentNode) => [
  ...root.querySelectorAll<HTMLElement>(".bbp-trace:not([hidden], .bbp-signal-input)"),
];
const total = (values: ArrayLike<number>) => Array.from(values).reduce((all, one) => all + one, 0);

test("how its axes are read is said where the network tells too little", () => {
  const shown = film();
  const said = (axes: SignalInput["axes"]) => {
    const input = { ...signalOf(shown), axes, names: null, lanes: null };
    const { node, destroy } = open([{ ...shown, input }]);
    const line = find(node, ".laid");
    destroy();
    return line.hidden ? "" : line.textContent;
  };
  expect(find(open([film()]).node, ".laid").hidden).toBe(true);
  expect(said({ positions: "last", told: "convolution" })).toBe("");
  expect(said({ positions: "first", told: "native_layer_norm" })).toBe("");
  expect(said({ positions: "last", told: null })).toContain("does not tell which axis is which");
  expect(said({ positions: "first", told: "addmm" })).toMatch(
    /^Read as \d+ positions of \d+ features/,
  );
});

test("three rows of bars with the film's own sums, and the input above them", () => {
  const shown = film();
  const { node } = open([shown]);
  expect(traces(node).map((one) => find(one, ".name").textContent)).toEqual([
    "w ⊙ x",
    "bias attribution",
    "total",
  ]);
  const { gradient, bias } = shown.totals;
  const sums = traces(node).map((one) => find(one, ".figure").dataset.value);
  expect(sums).toEqual([gradient, bias, (gradient ?? 0) + (bias ?? 0)].map(String));
  expect(find(node, ".pictures").hidden).toBe(true);
  expect(find(node, ".bbp-features").hidden).toBe(true);
  expect(find(node, ".bbp-signal-input .limits").textContent).toContain("value, ");
});

test("sums over blocks of positions are exact, and so are sums over channels", () => {
  const shown = film();
  const { pictures } = shown;
  for (const grain of [1, 4, 8, 16] as const) {
    for (const joined of [false, true]) {
      const { bias, total: both } = planesOf(shown, grain, joined);
      expect([bias.height, bias.width]).toEqual([joined ? 1 : 3, Math.ceil(11 / grain)]);
      expect(total(bias.values)).toBeCloseTo(total(pictures.bias), 5);
      expect(total(both.values)).toBeCloseTo(total(pictures.bias) + total(pictures.gradient), 5);
    }
  }
  const second = pictures.bias.slice(11 + 4, 11 + 8);
  expect(planesOf(shown, 4).bias.values[3 + 1]).toBeCloseTo(total(second), 6);
});

test("of channels that are summed the input is their length", () => {
  const input = signalOf(film());
  const joined = valuesOf(input, true);
  const [a = 0, b = 0, c = 0] = [0, 1, 2].map((lane) => input.values[lane * 11 + 5] ?? 0);
  expect(joined[5]).toBeCloseTo(Math.hypot(a, b, c), 6);
  expect(valuesOf(input, false)).toBe(input.values);
});

test("channels stand apart or are summed, and the choice is part of the look", () => {
  const shown = film();
  const { node, onLook } = open([shown]);
  expect(chosen(node, "channels")).toBe("apart");
  expect(node.querySelectorAll(".lane-names span")).toHaveLength(3);
  choose(node, "channels", "summed");
  expect(onLook).toHaveBeenLastCalledWith({ channels: "summed" });
  expect(find(node, ".lane-names").hidden).toBe(true);
  expect(find(node, ".bbp-signal-input .limits").textContent).toContain("length over 3 channels");
});

test("the keys read one position in all rows, and say it", () => {
  const shown = film();
  const { node } = open([shown], { grain: 4 });
  const frame = find(node, ".bbp-signal-input .frame");
  expect(frame.getAttribute("role")).toBe("application");
  press(frame, "ArrowRight");
  press(frame, "End");
  press(frame, "ArrowDown");
  expect(find(node, ".tools .reading").textContent).toBe("positions 8–10, <b>III</b>");
  const last = planesOf(shown, 4).bias.values[2 * 3 + 2] ?? 0;
  const read = Number(
    find(traces(node)[1] ?? node, ".figure.reading").textContent?.replace("−", "-"),
  );
  expect(read).toBeCloseTo(last, 3);
  vi.advanceTimersByTime(1000);
  expect(find(node, ".bbp-unseen").textContent).toContain("positions 8–10, <b>III</b>: gradient");
  expect(node.querySelector("b b")).toBeNull();
  press(frame, "Escape");
  expect(find(node, ".tools .reading").textContent).toBe("");
});

test("a rule's row chooses its lane, and a difference is a row of its own", () => {
  const films = [
    film(),
    { ...film(), state: { ...film().state, rule: "uniform", parameters: {} } },
  ];
  const { node, onLook } = open(films);
  expect(traces(node)).toHaveLength(4);
  find(traces(node)[2] ?? node, "button").click();
  expect(onLook).toHaveBeenLastCalledWith({ lane: 1 });
  onLook({ difference: 0 });
  expect(find(traces(node).at(-1) ?? node, ".name").textContent).toBe("2 − 1");
  expect(find(traces(node).at(-1) ?? node, ".figure").dataset.value).toBe("0");
});

test("names stand under the line where each has room", () => {
  const shown = film();
  const input = signalOf(shown);
  const names = Array.from({ length: 11 }, (_, place) => `word ${place}`);
  const { node } = open([{ ...shown, input: { ...input, names } }], { channels: "summed" });
  expect(find(node, ".axis").children).toHaveLength(11);
  const frame = find(node, ".bbp-signal-input .frame");
  press(frame, "Home");
  press(frame, "Home");
  expect(find(node, ".tools .reading").textContent).toBe("position 0, word 0");
});

test("thousands of positions are drawn on a canvas: a column of it for each pixel, none beyond", () => {
  const values = Float32Array.from({ length: 16_000 }, (_, place) => (place % 2 ? -1 : 1));
  const canvas = document.createElement("canvas");
  const row = { values, lanes: 1, block: 1, length: 16_000 };
  drawBars(canvas, row, 1, { width: 300, height: 50, theme: "light" });
  const rects = recordingOf(canvas).calls.filter((call) => call.startsWith("fillRect"));
  expect(rects).toHaveLength(1 + 2 * 300);
});

test("a stray number that is none marks its column", () => {
  const canvas = document.createElement("canvas");
  const row = { values: Float32Array.of(1, Number.NaN, -1), lanes: 1, block: 1, length: 3 };
  drawBars(canvas, row, 1, { width: 30, height: 40, theme: "dark" });
  const rects = recordingOf(canvas).calls.filter((call) => call.startsWith("fillRect"));
  expect(rects).toEqual([
    "fillRect(0, 20, 30, 1)",
    "fillRect(0, 2, 9, 18)",
    "fillRect(10, 0, 9, 40)",
    "fillRect(20, 20, 9, 18)",
  ]);
});

test("the mass of a step is laid behind the line where its places are the input's, a class token or not", () => {
  const shown = film();
  const frame = shown.frames.findIndex(({ tensor, grid }) => tensor.kind === "maps" && grid.placed);
  const said = (change: object) => {
    const frames = shown.frames.map((one, index) =>
      index === frame ? { ...one, grid: { ...one.grid, ...change } } : one,
    );
    const { node, update } = open([{ ...shown, frames }]);
    update({ frame });
    return find(node, ".bbp-signal-input .limits").textContent;
  };
  const { grid } = shown.frames[frame] ?? {};
  expect(said({})).toContain(`mass on ${grid?.width}`);
  expect(said({ height: 2, lead: 1 })).toContain(`mass on ${grid?.width}`);
  expect(said({ placed: false })).toContain("mass not placed on the input");
});

test("what a unit sees is a part of the line", () => {
  const field = { start: [0, -1], step: [0, 2], size: [1, 5] };
  expect(fieldSpan({ field } as never, [3, 0, 2], 20)).toEqual({
    top: 0,
    left: 3 / 20,
    height: 1,
    width: 5 / 20,
  });
  expect(fieldSpan({ field: null }, [3, 0, 2], 20)).toBeNull();
  expect(fieldSpan({ field } as never, [3], 20)).toBeNull();
});
