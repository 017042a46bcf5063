import { describe, expect, test, vi } from "vitest";
import { slider, toPosition, toValue } from "../src/charts/slider";
import { tabs } from "../src/charts/tabs";
import { encode, palette } from "../src/colour";
import { compact, decimalsFor, fixed } from "../src/figures";
import type { RuleParameter } from "../src/film";
import { limitsOf } from "../src/limits";
import { find, press } from "./helpers";

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

describe("tabs", () => {
  test("are walked by arrows, Home and End, and keep these keys to themselves", () => {
    const onChoose = vi.fn();
    const list = ["maps", "flow", "triage"].map((key) => ({
      key,
      label: key,
      node: document.createElement("p"),
    }));
    const { node, update } = tabs("panels", list, onChoose);
    const outside = vi.fn();
    document.body.append(node);
    document.body.addEventListener("keydown", outside);
    update("flow");
    for (const [from, key, to] of [
      ["flow", "End", "triage"],
      ["triage", "Home", "maps"],
      ["maps", "ArrowLeft", "triage"],
      ["triage", "ArrowRight", "maps"],
    ] as const) {
      press(find(node, `[data-key=${from}]`), key);
      expect(onChoose).toHaveBeenLastCalledWith(to);
    }
    expect(outside).not.toHaveBeenCalled();
    document.body.removeEventListener("keydown", outside);
    node.remove();
  });
});
