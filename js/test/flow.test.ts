import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { flow } from "../src/charts/flow";
import { type BoxGraph, boxGraph, components, MOST } from "../src/charts/flow-boxes";
import { columnsOf, layOutFlow } from "../src/charts/flow-layout";
import type { Look } from "../src/look";
import { decodeFilm } from "../src/wire";
import { filmOf, look, residual, type Step } from "./films";
import { find, press } from "./helpers";

/** Rounding of sums of a few hundred numbers near one. */
const EXACT = 1e-9;

function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Any graph of steps: modules entered again and again, branches, skips, losses. */
function wild(seed: number): Step[] {
  const random = dice(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const count = 8 + pick(60);
  const left = new Map<number, number>([[0, 1]]);
  return Array.from({ length: count }, (_, index): Step => {
    const last = index === count - 1;
    const givers = [...left.keys()];
    const from = givers
      .filter((giver) => last || giver === index - 1 || random() < 0.2)
      .map((giver): [number, number] => {
        const rest = left.get(giver) ?? 0;
        const part = last || random() < 0.5 ? rest : rest * random();
        if (rest - part <= 0) left.delete(giver);
        else left.set(giver, rest - part);
        return [giver, part];
      });
    if (!last && index > 0) left.set(index, 1);
    const module = random() < 0.2 ? "" : `m${pick(5)}${random() < 0.6 ? `.${pick(4)}` : ""}`;
    return {
      module,
      adds: last || index === 0 ? 0 : random() - 0.4,
      unshared: random() < 0.1 && !last && index > 0 ? random() * 0.1 : 0,
      from,
    };
  });
}

function expectBalanced(graph: BoxGraph) {
  for (const box of graph.boxes) {
    expect(Math.abs(box.in + box.own - box.unshared - box.held - box.out)).toBeLessThan(EXACT);
  }
}

function opening(steps: Step[], share: number, random: () => number): string[] {
  const paths = new Set<string>();
  for (const { module = "" } of steps) {
    const parts = module.split(".");
    parts.forEach((_, index) => {
      paths.add(parts.slice(0, index + 1).join("."));
    });
  }
  return ["", ...[...paths].filter(() => random() < share)];
}

describe("boxes", () => {
  test("every box conserves mass, whatever the graph and whatever is open", () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const steps = wild(seed);
      const film = filmOf(steps);
      const random = dice(seed + 1000);
      for (const open of [[], [""], opening(steps, 0.5, random), opening(steps, 1, random)]) {
        const graph = boxGraph(film, open);
        expectBalanced(graph);
        const held = graph.boxes.reduce((sum, box) => sum + box.held, 0);
        expect(held).toBeCloseTo(film.totals.bias ?? 0, 8);
        const frames = graph.boxes.flatMap((box) => box.frames).sort((a, b) => a - b);
        expect(frames).toEqual(film.frames.map((_, index) => index));
      }
    }
  });

  test.each(["numbers", "picture", "vector"])(
    "the boxes of Python's %s film conserve it",
    (name) => {
      const bytes = readFileSync(`${import.meta.dirname}/../../tests/examples/${name}.film`);
      const film = decodeFilm(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      for (const open of [[], [""]]) {
        const { boxes } = boxGraph(film, open);
        for (const box of boxes) {
          const rest = box.in + box.own - box.unshared - box.held - box.out;
          expect(Math.abs(rest), box.name).toBeLessThan(film.totals.tolerance ?? 0);
        }
      }
    },
  );

  test("no cycle is left, and every ribbon runs toward the input", () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const graph = boxGraph(filmOf(wild(seed)), seed % 2 ? [] : [""]);
      const next: number[][] = graph.boxes.map(() => []);
      for (const { from, to } of graph.ribbons) next[from]?.push(to);
      expect(components(next).every((group) => group.length === 1)).toBe(true);
      const columns = columnsOf(graph);
      for (const { from, to } of graph.ribbons) {
        expect(columns[from] ?? 0).toBeGreaterThan(columns[to] ?? 0);
      }
    }
  });

  test("at first there are at most twelve, and what the small ones add is known", () => {
    const graph = boxGraph(filmOf(residual()), []);
    expect(graph.boxes.length).toBeLessThanOrEqual(MOST);
    const names = graph.boxes.map((box) => box.name);
    for (const name of ["input", "output", "layer1", "layer4", "fc"]) expect(names).toContain(name);
    expect(graph.merged.boxes).toBeGreaterThan(0);
    const several = graph.boxes.filter((box) => box.twigs.length > 1);
    const all = graph.boxes.reduce((sum, box) => sum + box.added, 0);
    const small = several.reduce((sum, box) => sum + box.added, 0);
    expect(graph.hidden).toBeCloseTo(small / all, 12);
    const all12 = Array.from(
      { length: 40 },
      (_, index): Step => ({
        module: `features.${index}`,
        adds: index === 3 ? 5 : 0.01,
      }),
    );
    const long = boxGraph(filmOf([{}, ...all12, {}]), []);
    expect(long.boxes.length).toBe(MOST);
    expect(long.boxes.map((box) => box.name)).toContain("features.3");
  });

  test("a module entered twice stands twice", () => {
    const steps: Step[] = [
      {},
      { module: "act" },
      { module: "conv", adds: 1 },
      { module: "act" },
      {},
    ];
    const names = boxGraph(filmOf(steps), []).boxes.map((box) => box.name);
    expect(names).toEqual(["output", "act, 2 of 2", "conv", "act, 1 of 2", "input"]);
  });

  test("a module that only holds the rest is stepped over", () => {
    const steps: Step[] = [{}, { module: "model.b", adds: 1 }, { module: "model.a" }, {}];
    const names = boxGraph(filmOf(steps), []).boxes.map((box) => box.name);
    expect(names).toEqual(["output", "model.b", "model.a", "input"]);
  });

  test("steps that have nothing to hand on stay in their order", () => {
    const film = filmOf([{}, { module: "c" }, { module: "b", adds: 1 }, { module: "a" }, {}]);
    film.flows = film.flows.filter(({ net }) => net !== 0);
    const graph = boxGraph(film, []);
    expectBalanced(graph);
    expect(columnsOf(graph)).toEqual([4, 3, 2, 1, 0]);
  });

  test("where nothing is added the groups are small", () => {
    const steps: Step[] = Array.from({ length: 22 }, (_, index) => ({ module: `m${index}` }));
    const graph = boxGraph(filmOf([{}, ...steps, {}]), []);
    expect(Math.max(...graph.boxes.map(({ twigs }) => twigs.length))).toBeLessThanOrEqual(4);
  });

  test("figures that are not finite are left out and said", () => {
    const film = filmOf([{}, { module: "a", adds: 1 }, {}]);
    const frame = film.frames[1];
    const first = film.flows[1];
    if (frame) frame.arriving = null;
    if (first) first.net = null;
    const graph = boxGraph(film, []);
    expect(graph.boxes[1]?.broken).toBe(true);
    expect(Number.isFinite(graph.boxes[1]?.out)).toBe(true);
  });
});

describe("layout", () => {
  test("boxes of a column do not cover one another, names neither, and ribbons have their width", () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const graph = boxGraph(filmOf(wild(seed)), seed % 2 ? [] : [""]);
      const layout = layOutFlow(
        graph,
        900,
        graph.boxes.map(() => "+1.00"),
      );
      const { boxes, ribbons, scale } = layout;
      for (const one of boxes) {
        expect(one.y).toBeGreaterThanOrEqual(0);
        expect(one.y + one.height).toBeLessThanOrEqual(layout.height);
        for (const other of boxes) {
          if (one === other || one.column !== other.column) continue;
          const apart = one.y + one.height <= other.y || other.y + other.height <= one.y;
          expect(apart).toBe(true);
        }
      }
      const spots = boxes.flatMap(({ label }) => (label ? [label] : []));
      for (const [index, one] of spots.entries()) {
        for (const other of spots.slice(index + 1)) {
          const half = ((one.text.length + other.text.length) / 2) * 6;
          const apart = Math.abs(one.x - other.x) >= half || Math.abs(one.y - other.y) >= 11;
          expect(apart, `${one.text} | ${other.text}`).toBe(true);
        }
      }
      for (const { ribbon, width } of ribbons) {
        const net = Math.abs(graph.ribbons[ribbon]?.net ?? 0);
        expect(width).toBeCloseTo(Math.max(0.75, net * scale), 9);
      }
    }
  });

  test("every box of a deep network gets its place, however much is open", () => {
    const film = filmOf(residual(4, 12));
    for (const open of [[], [""], ["", "layer1", "layer2", "layer3", "layer4"]]) {
      const graph = boxGraph(film, open);
      const names = graph.boxes.map(() => "+1.00");
      expect(layOutFlow(graph, 1000, names).boxes).toHaveLength(graph.boxes.length);
    }
  });
});

describe("the picture", () => {
  const film = filmOf(residual());

  function open(change: Partial<Look> = {}) {
    const onLook = vi.fn();
    const chart = flow({ onLook });
    document.body.append(chart.node);
    let shown = look({ step: 3, ...change });
    onLook.mockImplementation((by: Partial<Look>) => {
      shown = { ...shown, ...by };
      chart.update({ film, look: shown, theme: "light" });
    });
    chart.update({ film, look: shown, theme: "light" });
    const items = () => [...chart.node.querySelectorAll<SVGElement>("[role=treeitem]")];
    const item = (name: string) => {
      const found = items().find((one) => one.getAttribute("aria-label")?.startsWith(name));
      if (!found) throw new Error(`no item ${name}`);
      return found;
    };
    return { chart, onLook, items, item };
  }

  const tabbable = (items: Element[]) =>
    items.filter((one) => one.getAttribute("tabindex") === "0");

  test("is a tree with one stop for the tab key, each named with its figures", () => {
    const { items, item } = open();
    expect(tabbable(items())).toHaveLength(1);
    for (const one of items()) {
      expect(one.hasAttribute("data-lm-suppress-shortcuts")).toBe(true);
      expect(Number(one.getAttribute("aria-setsize"))).toBe(items().length);
    }
    expect(item("layer4").getAttribute("aria-expanded")).toBe("false");
    expect(item("fc").hasAttribute("aria-expanded")).toBe(false);
    expect(item("fc").getAttribute("aria-label")).toContain("added 0.400");
    expect(items()[0]?.getAttribute("aria-label")).toMatch(/^input/);
    expect(items().at(-1)?.getAttribute("aria-label")).toMatch(/^output/);
  });

  test("is walked, opened and closed by keys, and keeps the focus", () => {
    const { onLook, items, item } = open();
    const focused = () => document.activeElement?.getAttribute("aria-label") ?? "";
    item("layer4").focus();
    press(item("layer4"), "ArrowRight");
    expect(onLook.mock.lastCall?.[0].open).toContain("layer4");
    expect(item("layer4,").getAttribute("aria-expanded")).toBe("true");
    expect(focused()).toMatch(/^layer4, open/);
    expect(tabbable(items())).toHaveLength(1);
    press(item("layer4,"), "ArrowRight");
    expect(focused()).toMatch(/^layer4\.0/);
    expect(document.activeElement?.getAttribute("aria-level")).toBe("2");
    press(item("layer4.0"), "ArrowDown");
    expect(focused()).toMatch(/^layer4\.1/);
    press(item("layer4.1"), "ArrowLeft");
    expect(focused()).toMatch(/^layer4, open/);
    press(item("layer4,"), "ArrowLeft");
    expect(item("layer4").getAttribute("aria-expanded")).toBe("false");
    expect(focused()).toMatch(/^layer4;/);
    press(item("layer4"), "Enter");
    const step = onLook.mock.lastCall?.[0].step;
    expect(film.frames[step]?.module).toMatch(/^layer4\.0/);
  });

  test("is opened by a click, and a step without parts is gone to", () => {
    const { chart, onLook, item } = open();
    item("layer2").dispatchEvent(new MouseEvent("click", { bubbles: true }));
    expect(onLook.mock.lastCall?.[0].open).toContain("layer2");
    item("fc").dispatchEvent(new MouseEvent("click", { bubbles: true }));
    expect(onLook.mock.lastCall?.[0]).toEqual({ step: 1 });
    const again = find(chart.node, `.words [data-key="${item("layer3").dataset.key}"] .name`);
    again.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    expect(film.frames[onLook.mock.lastCall?.[0].step]?.module).toMatch(/^layer3/);
  });

  test("marks the step, and what lies ahead is a ghost", () => {
    const { chart, item } = open({ step: 5 });
    expect(item("layer4").getAttribute("aria-current")).toBe("step");
    expect(item("layer3").classList.contains("ahead")).toBe(true);
    expect(item("fc").classList.contains("ahead")).toBe(false);
    const ghosts = chart.node.querySelectorAll(".ribbon.ahead").length;
    expect(ghosts).toBeGreaterThan(0);
    const before = find(chart.node, ".ribbons").firstChild;
    chart.update({ film, look: look({ step: film.frames.length - 1 }), theme: "light" });
    expect(chart.node.querySelectorAll(".ribbon.ahead")).toHaveLength(0);
    expect(find(chart.node, ".ribbons").firstChild).toBe(before);
    expect(find(chart.node, "[data-key=held]").dataset.value).toBe(
      String(boxGraph(film, []).boxes.find((box) => box.name === "input")?.held),
    );
  });

  test("says what is hidden, in percent, and opens it", () => {
    const { chart, onLook, item } = open();
    expect(find(chart.node, ".hidden-part").textContent).toMatch(
      /small modules, put together.* add .* % of all/,
    );
    item("…").dispatchEvent(new MouseEvent("click", { bubbles: true }));
    expect(onLook.mock.lastCall?.[0].open).toContain("…");
    expect(find(chart.node, ".hidden-part").textContent).toBe("");
    find(chart.node, "button").click();
    expect(onLook.mock.lastCall?.[0]).toEqual({ open: [] });
  });

  test("what a box takes away is taken away on paper", () => {
    const steps: Step[] = [
      { adds: 0 },
      { module: "a", adds: 3, from: [[0, 1]] },
      { module: "b", adds: -2, from: [[1, 1]] },
      { adds: 0, from: [[2, 1]] },
    ];
    const chart = flow({ onLook: () => {} });
    chart.update({ film: filmOf(steps), look: look({ step: 2, level: "ops" }), theme: "light" });
    const text = find(chart.node, "h4").textContent ?? "";
    expect(text).toMatch(/b 3\.000 arriving − 2\.000 added = 1\.000 passed on/);
    expect(find(chart.node, "[data-key=own]").dataset.value).toBe("-2");
  });

  test("names are text", () => {
    const evil = filmOf([{}, { module: "<img src=x onerror=alert(1)>", adds: 1 }, {}]);
    const chart = flow({ onLook: () => {} });
    chart.update({ film: evil, look: look(), theme: "dark" });
    expect(chart.node.querySelector("img")).toBeNull();
    expect(chart.node.innerHTML).toContain("&lt;img");
  });
});
