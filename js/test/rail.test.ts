import { describe, expect, test, vi } from "vitest";
import { rail } from "../src/charts/rail";
import { layOut, railStops, textWidth } from "../src/charts/rail-layout";
import { transport } from "../src/charts/transport";
import type { Film } from "../src/film";
import { FIRST_LOOK, type Look } from "../src/look";
import { choose, chosen, film, find, LANE, press } from "./helpers";

const stopsOf = (shown: Film) => railStops(shown, "layers");
const quiet = { onScrub: () => {}, onLook: () => {} };

function looking(change: Partial<Look> = {}): Look {
  return { ...FIRST_LOOK, target: 0, lanes: [LANE], ...change };
}

/** A look at the stop of the level, counted from the output. */
function at(shown: Film, index: number, change: Partial<Look> = {}): Look {
  const look = looking(change);
  return { ...look, step: shown.levels[look.level][index]?.frame ?? 0 };
}

test("the output stands on the right and the input on the left", () => {
  const { xs } = layOut(stopsOf(film()), 1000);
  expect(xs[0]).toBeGreaterThan(xs.at(-1) ?? 0);
  expect([...xs].sort((a, b) => b - a)).toEqual(xs);
});

test("zero lies on the track, and inside the ribbon's field where the ribbon changes sign", () => {
  const stops = stopsOf(film()).map((stop, index) => ({ ...stop, gathered: index }));
  const above = layOut(stops, 1000);
  expect(above.zero).toBe(above.track);
  const mixed = stops.map((stop, index) => ({ ...stop, gathered: index % 2 ? 2 : -1 }));
  expect(layOut(mixed, 1000).zero).toBeLessThan(above.track);
});

test.each([8, 110, 400])("labels keep clear of one another with %i stops", (stops) => {
  const shown = stopsOf(film({ stops, size: 4 }));
  for (const width of [560, 1060]) {
    const { braces, bars } = layOut(shown, width);
    const labels = braces.flatMap(({ from, to, label }) =>
      label === null ? [] : [{ middle: (from + to) / 2, half: textWidth(label) / 2 }],
    );
    const figures = bars.flatMap(({ x, figure }) =>
      figure === null ? [] : [{ middle: x, half: textWidth(figure) / 2 }],
    );
    for (const row of [labels, figures]) {
      const sorted = [...row].sort((a, b) => a.middle - b.middle);
      sorted.slice(1).forEach((next, index) => {
        const last = sorted[index] ?? next;
        expect(next.middle - next.half).toBeGreaterThan(last.middle + last.half);
      });
    }
    expect(figures.length).toBeGreaterThan(0);
  }
});

test("a cut that is not finite has a mark, since a ribbon without height says zero", () => {
  const stops = stopsOf(film());
  const third = stops[3];
  if (third) third.gathered = null;
  const { broken, xs } = layOut(stops, 1000);
  expect(broken).toEqual([{ x: xs[3], says: `${third?.name}: not finite` }]);
  expect(layOut(stopsOf(film()), 1000).broken).toEqual([]);
});

test.each([5.59, 0.0031812, -1.2345e-7])("b = %f fits into the margin", (b) => {
  const stops = stopsOf(film());
  const last = stops.at(-1);
  if (last) last.gathered = b;
  const { end } = layOut(stops, 1000);
  for (const line of end.lines) expect(textWidth(line) + 10).toBeLessThan(end.x);
  expect(end.lines.join(" ")).toMatch(/^b = /);
});

test("blocks are named below the rail, and a little dip is seen apart from the track", () => {
  const blocks = railStops(film(), "blocks");
  const { braces } = layOut(blocks, 1060);
  expect(braces.map(({ label }) => label)).toEqual(blocks.slice(1, -1).map(({ name }) => name));
  const dips = blocks.map((stop, index) => ({ ...stop, gathered: index === 2 ? -0.001 : index }));
  const { zero, track } = layOut(dips, 1060);
  expect(track - zero).toBeGreaterThan(6);
});

test("a bar is what all frames since the stop before add", () => {
  const shown = film();
  const [, , stop] = shown.levels.blocks;
  const between = shown.levels.blocks[1];
  const added = railStops(shown, "blocks")[2]?.added ?? 0;
  const frames = shown.frames.slice((between?.frame ?? 0) + 1, (stop?.frame ?? 0) + 1);
  expect(frames.length).toBeGreaterThan(1);
  expect(added).toBeCloseTo(frames.reduce((sum, { intercept }) => sum + (intercept ?? 0), 0));
});

test("says where it stands as a slider, counted in stops of the level", () => {
  const shown = film();
  const chart = rail(quiet);
  chart.update({ films: [shown], look: at(shown, 3) });
  const { slider } = chart;
  expect(chart.node.querySelectorAll("[role=slider]")).toHaveLength(1);
  expect(slider.classList.contains("bbp-rail")).toBe(true);
  expect(slider.dataset.lmSuppressShortcuts).toBe("true");
  expect(slider.getAttribute("aria-valuenow")).toBe("3");
  expect(slider.getAttribute("aria-valuemax")).toBe("7");
  const name = shown.levels.layers[3]?.name ?? "";
  expect(slider.getAttribute("aria-valuetext")).toMatch(`step 3 of 7, ${name}, bias arriving`);
  expect(find(chart.node, ".here").textContent).toBe(name);
  chart.update({ films: [shown], look: at(shown, 1, { level: "blocks" }) });
  const blocks = shown.levels.blocks.length - 1;
  expect(slider.getAttribute("aria-valuetext")).toMatch(`step 1 of ${blocks}, fc, bias arriving 0`);
});

test("a name that would reach over an edge stands on it", () => {
  const chart = rail(quiet);
  const long = film();
  for (const stop of long.levels.layers) stop.name = "layer1.0.conv1.with_a_long_name";
  const label = () => find<SVGTextElement & HTMLElement>(chart.node, ".here-label");
  const placed = (step: number) => {
    chart.update({ films: [long], look: at(long, step), still: true });
    return [label().getAttribute("x"), label().style.textAnchor];
  };
  expect(placed(7)).toEqual(["4", "start"]);
  expect(placed(0)).toEqual(["1056", "end"]);
  expect(placed(4)[1]).toBe("middle");
  chart.destroy();
});

test("glides to the next stop, and draws nothing anew on the way", () => {
  const chart = rail(quiet);
  const shown = film();
  chart.update({ films: [shown], look: at(shown, 0) });
  const stops = [...chart.node.querySelectorAll(".stop")];
  const x = () => Number(find(chart.node, ".bbp-rail .cursor").getAttribute("x1"));
  const { xs } = layOut(stopsOf(shown), 1060);
  chart.update({ films: [shown], look: at(shown, 1) });
  vi.advanceTimersByTime(64);
  expect(x()).toBeLessThan(xs[0] ?? 0);
  expect(x()).toBeGreaterThan(xs[1] ?? 0);
  vi.advanceTimersByTime(200);
  expect(x()).toBeCloseTo(xs[1] ?? 0);
  expect([...chart.node.querySelectorAll(".stop")]).toEqual(stops);
  chart.destroy();
});

test("what lies ahead of the cursor is pale, wherever the cursor jumps", () => {
  const chart = rail(quiet);
  const shown = film();
  const pale = () => chart.node.querySelectorAll(".stop.ahead").length;
  chart.update({ films: [shown], look: at(shown, 6) });
  expect(pale()).toBe(1);
  chart.update({ films: [shown], look: at(shown, 1), still: true });
  expect(pale()).toBe(6);
  chart.update({ films: [shown], look: at(shown, 5), still: true });
  expect(pale()).toBe(2);
});

test("the pointer scrubs to the nearest stop and rests where it is let go", () => {
  const onScrub = vi.fn();
  const chart = rail({ ...quiet, onScrub });
  const shown = film();
  chart.update({ films: [shown], look: at(shown, 0) });
  const { xs } = layOut(stopsOf(shown), 1060);
  const frames = shown.levels.layers.map(({ frame }) => frame);
  const send = (type: string, clientX: number) =>
    chart.slider.dispatchEvent(new MouseEvent(type, { clientX, bubbles: true }));
  send("pointermove", 10);
  send("pointerdown", (xs[2] ?? 0) + 3);
  send("pointermove", (xs[5] ?? 0) - 3);
  send("pointerup", -50);
  expect(onScrub.mock.calls).toEqual([
    [frames[2], false],
    [frames[5], false],
    [frames[7], true],
  ]);
});

describe("stops for the plan", () => {
  function open(first: Partial<Look> = {}) {
    const shown = film();
    const frames = shown.levels.layers.map(({ frame }) => frame);
    const { xs } = layOut(stopsOf(shown), 1060);
    const onScrub = vi.fn();
    let look = at(shown, 1, first);
    const onLook = vi.fn((change: Partial<Look>, _passing?: boolean) => {
      look = { ...look, ...change };
      chart.update({ films: [shown], look });
    });
    const chart = rail({ onScrub, onLook });
    chart.update({ films: [shown], look });
    const send = (type: string, index: number, more: MouseEventInit = {}) =>
      chart.slider.dispatchEvent(
        new MouseEvent(type, { clientX: xs[index] ?? 0, bubbles: true, ...more }),
      );
    const stops = () => look.stops.map((frame) => frames.indexOf(frame));
    return { chart, send, stops, onScrub, onLook };
  }
  const shift = { shiftKey: true };

  test("shift-drag selects a range, and only its end is a step of its own", () => {
    const { chart, send, stops, onLook, onScrub } = open();
    send("pointerdown", 3, shift);
    send("pointermove", 4, shift);
    send("pointermove", 6, shift);
    expect(stops()).toEqual([3, 4, 5, 6]);
    send("pointerup", 5, shift);
    expect(stops()).toEqual([3, 4, 5]);
    expect(onLook.mock.calls.map(([, passing]) => passing === true)).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(onScrub).not.toHaveBeenCalled();
    expect(chart.node.querySelectorAll(".picked")).toHaveLength(3);
  });

  test("shift-click reaches from the cursor, then from where the range began", () => {
    const { send, stops } = open();
    send("pointerdown", 3, shift);
    send("pointerup", 3, shift);
    expect(stops()).toEqual([1, 2, 3]);
    send("pointerdown", 5, shift);
    send("pointerup", 5, shift);
    expect(stops()).toEqual([1, 2, 3, 4, 5]);
  });

  test("ctrl- and cmd-click take one in or out", () => {
    const { send, stops } = open();
    send("pointerdown", 4, { ctrlKey: true });
    send("pointerdown", 2, { metaKey: true });
    expect(stops()).toEqual([2, 4]);
    send("pointerdown", 4, { ctrlKey: true });
    expect(stops()).toEqual([2]);
  });

  test("the same by keyboard, and Escape lets go of them", () => {
    const { chart, stops, onScrub } = open();
    press(chart.slider, "ArrowLeft", shift);
    expect(stops()).toEqual([1, 2]);
    expect(onScrub).toHaveBeenCalled();
    press(chart.slider, "Enter");
    expect(stops()).toEqual([2]);
    press(chart.slider, "Escape");
    expect(stops()).toEqual([]);
    expect(chart.node.querySelectorAll(".picked")).toHaveLength(0);
  });

  test("what the plan names has a mark that says its rule", () => {
    const softmax = { rule: "softmax", parameters: { temperature: 0.2 } };
    const shown = film();
    const name = shown.levels.layers[3]?.name ?? "";
    const plan = { [name]: softmax, last: { rule: "winner", parameters: {} } };
    const { chart } = open({ lanes: [{ ...LANE, plan }] });
    const says = [...chart.node.querySelectorAll(".planned title")].map((one) => one.textContent);
    expect(says).toEqual([`plan at fc: winner`, `plan at ${name}: softmax, T 0.2`]);
  });
});

test("the buttons walk, and the granularity is a choice", () => {
  const onLook = vi.fn();
  const walk = {
    onInput: vi.fn(),
    onOutput: vi.fn(),
    onToward: vi.fn(),
    onBack: vi.fn(),
    onPlay: vi.fn(),
  };
  const chart = transport({ ...walk, onLook });
  chart.update({ step: 0, count: 5, playing: false, speed: 2.5, level: "layers" });
  expect(chosen(chart.node, "granularity")).toBe("layers");
  expect(find<HTMLButtonElement>(chart.node, "[aria-label^='Step back']").disabled).toBe(true);
  choose(chart.node, "granularity", "blocks");
  expect(onLook.mock.calls).toEqual([[{ level: "blocks" }]]);
});
