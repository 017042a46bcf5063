import { expect, test } from "vitest";
import { parting } from "../src/charts/parting";
import { rail } from "../src/charts/rail";
import type { Film, Flat, Tensor } from "../src/film";
import { FIRST_LOOK } from "../src/look";
import { FIRST, film, find, LANE } from "./helpers";

const look = { ...FIRST_LOOK, lanes: [LANE, { ...LANE, rule: "uniform" }] };

function withMass(tensors: Tensor[]): Film {
  const shown = film();
  return {
    ...shown,
    frames: shown.frames.map((frame, index) => ({
      ...frame,
      tensor: tensors[index] ?? frame.tensor,
    })),
    levels: {
      ...shown.levels,
      layers: tensors.map((_, frame) => ({ frame, name: `stop ${frame}`, group: "" })),
    },
  };
}

const vector = (...mass: number[]): Tensor => {
  const values = Float32Array.from(mass);
  return {
    kind: "vector",
    channels: mass.length,
    value: values,
    contribution: values,
    mass: values,
  };
};

function maps(limit: number, ...codes: number[]): Tensor {
  const tensor = film().frames[4]?.tensor;
  if (tensor?.kind !== "maps") throw new Error("the recipe has maps here");
  const flat: Flat = { height: 1, width: codes.length, limit, tile: Uint8Array.from(codes) };
  return { ...tensor, flat };
}

test("0 is the same mass, 1 not one place in common, and what is not there is not known", () => {
  const none: Tensor = { kind: "none" };
  const a = withMass([none, vector(1, 0, 0), vector(1, 1), vector(2, 0), { kind: "pending" }]);
  const b = withMass([none, vector(0, 1, 0), vector(1, 1), vector(1, 1), vector(1, 1)]);
  expect(parting([a, b], { lane: 0, level: "layers" })).toEqual([
    [null, 0, 0, 0, null],
    [null, 1, 0, 0.5, null],
  ]);
});

test("tiles are compared in target units, whatever their limits, and broken places in neither", () => {
  const a = withMass([maps(1, 255, 128, 1), maps(1, 0, 255)]);
  const b = withMass([maps(2, 191.5, 128, 64.5), maps(1, 3, 255)]);
  const [, apart] = parting([a, b], { lane: 0, level: "layers" });
  // A tile has 255 steps.
  expect(apart?.[0]).toBeLessThan(0.01);
  expect(apart?.[1]).toBe(0);
});

test("a lane on its way is not known anywhere", () => {
  const shown = film();
  const [, apart] = parting([shown, null], { lane: 0, level: "layers" });
  expect(apart).toEqual(shown.levels.layers.map(() => null));
});

test("a row for each other lane stands under the rail, with its figure at the cursor", () => {
  const films = [film(), film({ state: { ...FIRST, rule: "uniform" } })];
  const chart = rail({ onScrub: () => {}, onLook: () => {} });
  chart.update({ films: films.slice(0, 1), look });
  expect(find(chart.node, ".bbp-parting").hasAttribute("hidden")).toBe(true);
  const step = films[0]?.levels.layers[3]?.frame ?? 0;
  chart.update({ films, look: { ...look, step } });
  const strip = find(chart.node, ".bbp-parting");
  expect(strip.hasAttribute("hidden")).toBe(false);
  const apart = parting(films, look)[1]?.[3] ?? 0;
  expect(apart).toBeGreaterThan(0);
  expect(find(strip, ".figure").getAttribute("data-value")).toBe(String(apart));
  expect(strip.getAttribute("aria-label")).toMatch(/lane 2, uniform.*here, most at/);
  chart.destroy();
});
