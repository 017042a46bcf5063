import { describe, expect, test, vi } from "vitest";
import { atlas } from "../src/charts/atlas";
import { gallery } from "../src/charts/gallery";
import { ledger } from "../src/charts/ledger";
import { describeOverlay, flatOf } from "../src/charts/overlay";
import { slider, toPosition, toValue } from "../src/charts/slider";
import { encode, palette } from "../src/colour";
import { compact, decimalsFor, fixed } from "../src/figures";
import type { RuleParameter } from "../src/film";
import { limitsOf } from "../src/limits";
import { film, find } from "./helpers";
import { recordingOf } from "./setup";

const value = (root: ParentNode, key: string) => find(root, `[data-key=${key}]`).dataset.value;

describe("the ledger", () => {
  test("holds each number to the last bit beside its text", () => {
    const shown = film();
    const chart = ledger();
    chart.update({ film: shown, step: 3, target: "Egyptian cat" });
    const frame = shown.frames[3];
    expect(value(chart.node, "arriving")).toBe(String(frame?.arriving));
    expect(value(chart.node, "intercept")).toBe(String(frame?.intercept));
    expect(value(chart.node, "cut_gradient")).toBe(String(frame?.cut_gradient));
    expect(value(chart.node, "residual")).toBe(String(frame?.residual));
    expect(value(chart.node, "passed")).toBe(
      String((frame?.arriving ?? 0) + (frame?.intercept ?? 0)),
    );
    expect(find(chart.node, "[data-key=target]").textContent).toBe("28.5619");
    expect(chart.node.textContent).toContain("= Egyptian cat");
  });

  test("says when a cut does not add up, and shows what is unshared", () => {
    const shown = film();
    const frame = shown.frames[2];
    if (frame)
      Object.assign(frame, { exact: false, unshared: 0.5, cut_unshared: 0.5, arriving: null });
    const chart = ledger();
    chart.update({ film: shown, step: 2, target: "cat" });
    expect(find(chart.node, "[aria-label='not exact']").textContent).toBe("✗");
    expect(value(chart.node, "unshared")).toBe("0.5");
    expect(find(chart.node, "[data-key=arriving]").textContent).toBe("not finite");
  });

  test("ends with b = f − w·x", () => {
    const shown = film();
    const chart = ledger();
    chart.update({ film: shown, step: 6, target: "cat" });
    expect(chart.node.querySelector("[data-key=total_bias]")).toBeNull();
    chart.update({ film: shown, step: 7, target: "cat" });
    expect(value(chart.node, "total_bias")).toBe(String(shown.totals.bias));
    expect(chart.node.textContent).toContain("Σ bias = b = f − w·x");
  });
});

describe("the atlas", () => {
  test("shows the channels of the step with their sums", () => {
    const shown = film();
    const chart = atlas();
    const frame = shown.frames[4];
    if (frame?.mass.kind !== "maps") throw new Error("the recipe has maps here");
    chart.update({ frame, theme: "light", names: null });
    const tiles = [...chart.node.querySelectorAll<HTMLElement>(".tile:not([hidden])")];
    expect(tiles).toHaveLength(frame.mass.shown.length);
    expect(find(tiles[1] ?? chart.node, "span").textContent).toBe(String(frame.mass.shown[1]));
    expect(find(tiles[1] ?? chart.node, "b").dataset.value).toBe(String(frame.mass.sums[1]));
    const last = shown.frames.at(-1) ?? frame;
    chart.update({ frame: last, theme: "light", names: null });
    expect(chart.node.querySelectorAll(".tile:not([hidden])")).toHaveLength(3);
  });

  test("repaints in the colours of the theme", () => {
    const chart = atlas();
    const frame = film().frames.at(-1);
    if (!frame) throw new Error("no frame");
    chart.update({ frame, theme: "light", names: null });
    const canvas = find<HTMLCanvasElement>(chart.node, ".tile canvas");
    const before = [...(recordingOf(canvas).image ?? [])];
    chart.update({ frame, theme: "dark", names: null });
    expect([...(recordingOf(canvas).image ?? [])]).not.toEqual(before);
  });

  test("names the largest entries of a vector, and says when there is no mass", () => {
    const chart = atlas();
    const [output, fc] = film().frames;
    if (!output || fc?.mass.kind !== "vector") throw new Error("the recipe has a vector here");
    chart.update({ frame: fc, theme: "light", names: ["one", "two"] });
    expect(chart.node.querySelectorAll(".largest li")).toHaveLength(6);
    chart.update({ frame: output, theme: "light", names: null });
    expect(find(chart.node, ".empty").hidden).toBe(false);
    expect(find(chart.node, ".vector").hidden).toBe(true);
  });
});

describe("colour", () => {
  test("blue below zero, orange above, the same at both ends of the scale, and a colour for NaN", () => {
    const codes = encode(Float32Array.from([-2, -1, 0, 1, 9, Number.NaN, Infinity]), 1);
    expect([...codes]).toEqual([1, 1, 128, 255, 255, 0, 0]);
    for (const theme of ["light", "dark"] as const) {
      const colours = palette(theme);
      const channel = (code: number, shift: number) => ((colours[code] ?? 0) >>> shift) & 255;
      expect(channel(64, 16)).toBeGreaterThan(channel(64, 0));
      expect(channel(192, 0)).toBeGreaterThan(channel(192, 16));
      expect(colours[0]).not.toBe(colours[128]);
    }
  });

  test("a stray pixel does not bleach the rest", () => {
    const values = Float32Array.from({ length: 10_000 }, (_, index) => (index === 7 ? 1000 : 1));
    expect(limitsOf(values)).toEqual({ limit: 1, clipped: 1, broken: 0 });
    expect(limitsOf(new Float32Array([Number.NaN, 0, 0]))).toEqual({
      limit: 0,
      clipped: 0,
      broken: 1,
    });
  });
});

test("a table shows bars by feature name, and sums that are the film's", () => {
  const shown = film({ kind: "vector" });
  const chart = gallery();
  const frame = shown.frames[1];
  if (!frame) throw new Error("no frame");
  chart.update({ film: shown, frame, theme: "light" });
  const rows = [...chart.node.querySelectorAll("tbody tr")];
  expect(rows.map((row) => row.querySelector("th")?.textContent)).toContain("AveRooms");
  const sums = [...chart.node.querySelectorAll<HTMLElement>("tfoot b")].map((b) => b.dataset.value);
  expect(sums[1]).toBe(String(shown.totals.bias));
  expect(find(chart.node, ".pictures").hidden).toBe(true);
});

test("stepping repaints the overlay and leaves the other pictures alone", () => {
  const shown = film();
  const chart = gallery();
  const [, , second, third] = shown.frames;
  if (!second || !third) throw new Error("no frames");
  chart.update({ film: shown, frame: second, theme: "light" });
  const canvases = [
    ...chart.node.querySelectorAll<HTMLCanvasElement>(".bbp-map:not(.bbp-picture) canvas"),
  ];
  const before = canvases.map((canvas) => recordingOf(canvas).calls.length);
  chart.update({ film: shown, frame: third, theme: "light" });
  expect(canvases.map((canvas) => recordingOf(canvas).calls.length)).toEqual(before);
  const front = find<HTMLCanvasElement>(chart.node, ".sheet.front");
  expect(recordingOf(front).calls.some((call) => call.startsWith("drawImage"))).toBe(true);
});

test("a row of tokens is not laid over a picture", () => {
  const shown = film();
  const frame = shown.frames[4];
  if (frame?.mass.kind !== "maps") throw new Error("the recipe has maps here");
  const flat = { height: 1, width: 4, limit: 1, tile: new Uint8Array(4) };
  const row = { ...frame, mass: { ...frame.mass, flat } };
  expect(flatOf(row, { height: 16, width: 16 })).toBeNull();
  expect(flatOf(row, { height: 1, width: 16 })).toBe(flat);
  expect(describeOverlay(row, { height: 16, width: 16 })).toBe("mass has no place yet");
});

describe("a slider", () => {
  const parameter: RuleParameter = {
    name: "t",
    label: "temperature",
    min: 0.05,
    max: 20,
    default: 1,
    scale: "log",
  };

  test("runs over decades and prints the value it sends", () => {
    expect(toValue(parameter, 0)).toBe(0.05);
    expect(toValue(parameter, 240)).toBe(20);
    expect(toValue(parameter, toPosition(parameter, 1))).toBeCloseTo(1, 1);
  });

  test("asks once, after the hand has paused", () => {
    const onChange = vi.fn();
    const chart = slider({ parameter, onChange });
    const input = find<HTMLInputElement>(chart.node, "input");
    for (const position of ["10", "100", "240"]) {
      input.value = position;
      input.dispatchEvent(new Event("input"));
      vi.advanceTimersByTime(60);
    }
    expect(onChange).not.toHaveBeenCalled();
    expect(find(chart.node, "output").textContent).toBe("20.0");
    vi.advanceTimersByTime(100);
    expect(onChange.mock.calls).toEqual([[20]]);
  });
});

test("figures have a real minus sign, six digits where a column shares them, and words for what is not finite", () => {
  expect(compact(-0.01234)).toBe("−0.0123");
  expect(compact(-9.54e-7, 2)).toBe("−9.5 × 10⁻⁷");
  expect(compact(null)).toBe("not finite");
  expect(fixed(-1.84801, decimalsFor([28.5619, 4.4]))).toBe("−1.8480");
});
