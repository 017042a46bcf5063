import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ledger } from "../src/charts/ledger";
import { addedBy, sumsAt, total } from "../src/charts/stops";
import { type Film, type Frame, LEVELS, type Level } from "../src/film";
import { decodeFilm } from "../src/wire";
import { film, find } from "./helpers";

const value = (root: ParentNode, key: string) => find(root, `[data-key=${key}]`).dataset.value;
const printed = (root: ParentNode, key: string) =>
  Number(find(root, `[data-key=${key}]`).textContent?.replace("−", "-"));
const shows = (root: ParentNode, key: string) =>
  find(root, `[data-key=${key}]`).closest("tr")?.hidden === false;

function at(shown: Film, index: number, level: Level = "layers") {
  const chart = ledger();
  const frame = shown.levels[level][index]?.frame ?? 0;
  chart.update({ film: shown, frame, level, target: "Egyptian cat" });
  return { ...chart, frame: shown.frames[frame] };
}

/** A film whose blocks branch and lose some: the mass of a node is part of its cut. */
function branched(): Film {
  const shown = film({ negative: true });
  let gathered = 0;
  let lost = 0;
  shown.frames.forEach((frame, index) => {
    const own = index > 0 && index < shown.frames.length - 1 ? Math.sin(index * 1.7) / 3 : 0;
    const unshared = index % 5 === 4 ? 0.0123 : 0;
    gathered += own - unshared;
    lost += unshared;
    Object.assign(frame, {
      arriving: gathered / 2,
      intercept: own,
      unshared,
      cut_bias: gathered,
      cut_unshared: lost,
      cut_gradient: (shown.totals.value ?? 0) - gathered - lost,
      residual: 0,
    });
  });
  return shown;
}

test("holds each number to the last bit beside its text", () => {
  const shown = film();
  const { node, frame } = at(shown, 3);
  expect(value(node, "arriving")).toBe(String(frame?.arriving));
  expect(value(node, "intercept")).toBe(String(frame?.intercept));
  expect(value(node, "cut_gradient")).toBe(String(frame?.cut_gradient));
  expect(value(node, "residual")).toBe(String(frame?.residual));
  expect(value(node, "passed")).toBe(String((frame?.arriving ?? 0) + (frame?.intercept ?? 0)));
  expect(find(node, "[data-key=target]").textContent).toBe("28.5619");
  expect(node.textContent).toContain("= Egyptian cat");
});

test.each(LEVELS)("at %s the printed figures add up, to the rounding of each", (level) => {
  const shown = branched();
  shown.levels[level].forEach((_, index) => {
    const { node } = at(shown, index, level);
    // Four decimals, each rounded by itself.
    const rounding = 0.5e-4;
    const lines = ["arriving", "intercept"].map((key) => printed(node, key));
    const sum = lines.reduce((all, one) => all + one, 0) - printed(node, "unshared");
    expect(Math.abs(sum - printed(node, "passed"))).toBeLessThan(4.1 * rounding);
    const cut = ["cut_gradient", "cut_bias", "cut_unshared"].map((key) => printed(node, key));
    const whole = cut.reduce((all, one) => all + one, 0);
    expect(Math.abs(whole - printed(node, "target"))).toBeLessThan(4.1 * rounding);
  });
});

test("in a film that Python wrote, what arrives and is added is what is passed on at every stop", () => {
  const file = `${import.meta.dirname}/../../tests/examples/picture.film`;
  const bytes = readFileSync(file);
  const shown = decodeFilm(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  for (const level of LEVELS) {
    expect(shown.levels[level].length).toBeGreaterThan(2);
    shown.levels[level].forEach(({ frame }, index) => {
      const { arriving, added, unshared, passed, between } = sumsAt(shown, level, index);
      expect((arriving ?? NaN) + (added ?? NaN) - (unshared ?? NaN)).toBeCloseTo(passed ?? NaN, 5);
      expect(addedBy(shown, level)[index]).toBeCloseTo((added ?? NaN) + (between ?? NaN), 6);
      const { cut_gradient, cut_bias, cut_unshared, residual } = shown.frames[frame] as Frame;
      const cut = total([cut_gradient, cut_bias, cut_unshared, residual]);
      expect(cut).toBeCloseTo(shown.totals.value ?? NaN, 5);
    });
  }
});

test("a block's sum runs from the cut before it to the cut after it", () => {
  const shown = branched();
  shown.levels.blocks.slice(1).forEach((stop, place) => {
    const before = shown.levels.blocks[place];
    const { arriving, added, unshared, passed } = sumsAt(shown, "blocks", place + 1);
    expect(arriving).toBe(shown.frames[before?.frame ?? 0]?.cut_bias);
    expect(passed).toBe(shown.frames[stop.frame]?.cut_bias);
    expect((arriving ?? 0) + (added ?? 0) - (unshared ?? 0)).toBeCloseTo(passed ?? 0, 10);
  });
  expect(at(shown, 2, "blocks").node.textContent).toContain("on the cut before this block");
});

test("what quiet steps add between two stops is told beside the cut that holds it", () => {
  const shown = branched();
  const { node } = at(shown, 3);
  expect(shows(node, "stop_added")).toBe(true);
  const { added, between } = sumsAt(shown, "layers", 3);
  expect(value(node, "stop_added")).toBe(String((added ?? 0) + (between ?? 0)));
  expect(shows(at(film(), 3).node, "stop_added")).toBe(false);
});

test("says when a cut does not add up, and shows what is unshared", () => {
  const shown = film();
  const frame = shown.frames[shown.levels.layers[2]?.frame ?? 0];
  Object.assign(frame ?? {}, { exact: false, unshared: 0.5, cut_unshared: 0.5, arriving: null });
  const { node } = at(shown, 2);
  const mark = find(node, "[aria-label='not exact']");
  expect(mark.textContent).toBe("✗");
  expect(mark.title).toContain("tolerance");
  expect(shows(node, "unshared")).toBe(true);
  expect(value(node, "unshared")).toBe("0.5");
  expect(value(node, "cut_unshared")).toBe("0.5");
  expect(find(node, "[data-key=arriving]").textContent).toBe("not finite");
  expect(find(node, "[data-key=passed]").textContent).toBe("not finite");
});

test("ends with b = f − w·x", () => {
  const shown = film();
  const chart = ledger();
  const whole = () => find<HTMLTableElement>(chart.node, ".whole").hidden;
  const update = (index: number) =>
    chart.update({
      film: shown,
      frame: shown.levels.layers[index]?.frame ?? 0,
      level: "layers",
      target: "cat",
    });
  update(6);
  expect(whole()).toBe(true);
  update(7);
  expect(whole()).toBe(false);
  expect(value(chart.node, "total_bias")).toBe(String(shown.totals.bias));
  expect(chart.node.textContent).toContain("Σ bias = b = f − w·x");
});

test("stepping writes into the rows and makes none", () => {
  const shown = film();
  const chart = ledger();
  const view = { film: shown, level: "ops" as const, target: "cat" };
  chart.update({ ...view, frame: 2 });
  const rows = [...chart.node.querySelectorAll("tr, rect, line")];
  chart.update({ ...view, frame: 5 });
  expect([...chart.node.querySelectorAll("tr, rect, line")]).toEqual(rows);
});
