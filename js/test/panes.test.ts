/** A network of several inputs: a pane each, whose sums are those of the ledger. */

import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { atlas } from "../src/charts/atlas";
import { gallery } from "../src/charts/gallery";
import type { Film } from "../src/film";
import { FIRST_LOOK, type Look } from "../src/look";
import { allFrames, boxOn, frameAt, inputAt, lastOf, panesOf } from "../src/panes";
import { decodeFilm } from "../src/wire";
import { choose, find, press } from "./helpers";

const FILE = `${import.meta.dirname}/../../tests/examples/several.film`;

function film(): Film {
  const bytes = readFileSync(FILE);
  return decodeFilm(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

function open(shown: Film, step = 1) {
  let look: Look = { ...FIRST_LOOK, lanes: [shown.state], step };
  const onLook = vi.fn((more: Partial<Look>) => {
    look = { ...look, ...more };
    update();
  });
  const chart = gallery({ onLook });
  const update = () =>
    chart.update({ films: [shown], look, frame: look.step, theme: "light", unit: look.unit });
  update();
  document.body.append(chart.node);
  return { ...chart, onLook, go: (more: Partial<Look>) => onLook(more) };
}

/** The number of the first frame of a module. */
const frameOf = (shown: Film, module: string) =>
  shown.frames.findIndex((frame) => frame.module === module);

const panes = (root: ParentNode) => [
  ...root.querySelectorAll<HTMLElement>(".bbp-pane:not([hidden])"),
];
const limits = (root: ParentNode) =>
  [...root.querySelectorAll<HTMLElement>(".limits [data-value]")].flatMap((one) =>
    one.closest("[hidden]") ? [] : [Number(one.dataset.value)],
  );

test("an input alone is its film", () => {
  const one = { ...film(), others: [] };
  expect(panesOf(one)).toEqual([one]);
});

test("the sums of the inputs add up to those of the answer", () => {
  const shown = film();
  const apart = panesOf(shown);
  expect(panesOf(shown)).toBe(apart);
  for (const part of ["gradient", "bias"] as const) {
    const sum = apart.reduce((all, { totals }) => all + (totals[part] ?? 0), 0);
    expect(sum).toBeCloseTo(shown.totals[part] ?? 0, 5);
  }
});

test("a picture, a signal and a table stand under their names, which are text", () => {
  const { node } = open(film());
  expect(panes(node).map((one) => find(one, ".pane-title").textContent)).toEqual([
    "picture",
    "sound",
    "<b>row</b>",
  ]);
  const [picture, sound, row] = panes(node);
  if (!picture || !sound || !row) throw new Error("no panes");
  expect(find(picture, ".pictures").hidden).toBe(false);
  expect(sound.querySelectorAll(".bbp-trace")).toHaveLength(4);
  expect(row.querySelectorAll(".bbp-features tbody tr")).toHaveLength(4);
  expect(find(node, ".unit").textContent).toBe("target units per pixel, position, feature");
});

test("a place is read in its own input, and says which", () => {
  vi.useFakeTimers();
  const { node } = open(film());
  const sound = panes(node)[1] ?? node;
  const frame = find(sound, ".bbp-signal-input .frame");
  press(frame, "Home");
  press(frame, "Home");
  expect(find(node, ".tools .reading").textContent).toBe("sound, position 0, channel 1");
  expect(node.querySelectorAll(".bbp-trace .figure.reading").length).toBe(4);
  expect(find(panes(node)[0] ?? node, ".figure").classList.contains("reading")).toBe(false);
});

test("one scale for all is one for all inputs", () => {
  const { node } = open(film());
  choose(node, "scale", "shared");
  expect(new Set(limits(node)).size).toBe(1);
});

test("a step lies over the inputs that it is on the way to, and no others", () => {
  const shown = film();
  const { node, go } = open(shown, frameOf(shown, "signal"));
  const says = () =>
    [".bbp-picture .limits", ".bbp-signal-input .limits"].map(
      (one) => find(node, one).lastElementChild?.textContent,
    );
  expect(says()).toEqual(["mass of other inputs", "mass on 7"]);
  go({ step: frameOf(shown, "image") });
  expect(says()).toEqual(["mass on 4 × 3", "mass of other inputs"]);
  go({ step: frameOf(shown, "head") });
  expect(says()).toEqual(["mass has no place yet", "mass has no place yet"]);
  for (const step of [lastOf(shown), lastOf(shown) + 1, lastOf(shown) + 2]) {
    go({ step });
    expect(says()).toEqual(["mass on 6 × 5", "mass on 9"]);
  }
});

test("every input has a frame, counted on after that of the first", () => {
  const shown = film();
  const last = lastOf(shown);
  expect(
    allFrames(shown)
      .slice(last)
      .map(({ name }) => name),
  ).toEqual(["input", "sound", "<b>row</b>"]);
  expect([0, 1, 2].map((place) => frameAt(shown, last + place)?.shape)).toEqual([
    [3, 6, 5],
    [2, 9],
    [4],
  ]);
  expect([last - 1, last, last + 2, last + 3].map((frame) => inputAt(shown, frame))).toEqual([
    null,
    0,
    2,
    null,
  ]);
});

test("a unit's field is framed on the inputs that it sees", () => {
  const shown = film();
  const boxes = (frame: number, at: number[]) =>
    [0, 1, 2].map((place) => boxOn(shown, place, { frame, at }));
  const sound = { top: 0, left: 2 / 9, height: 1, width: 3 / 9 };
  expect(boxes(frameOf(shown, "signal"), [1, 0, 2])).toEqual([null, sound, null]);
  const [picture, none] = boxes(frameOf(shown, "image"), [0, 1, 0]);
  expect(picture).toEqual({ top: 1 / 6, left: 0, height: 3 / 6, width: 3 / 5 });
  expect(none).toBeNull();
  // what sees all of an input says so where there are several
  const whole = { top: 0, left: 0, height: 1, width: 1 };
  expect(boxes(frameOf(shown, "head"), [1])).toEqual([whole, whole, null]);
  const place = { top: 0, left: 4 / 9, height: 1, width: 1 / 9 };
  expect(boxes(lastOf(shown) + 1, [0, 0, 4])).toEqual([null, place, null]);
});

test("a click selects the unit of the input that was clicked, and turns to its maps at the input", () => {
  const shown = film();
  const { node, go, onLook } = open(shown, frameOf(shown, "signal"));
  const frame = find(panes(node)[1] ?? node, ".bbp-signal-input .frame");
  frame.getBoundingClientRect = () => ({ left: 0, top: 0, width: 90, height: 20 }) as DOMRect;
  const click = () =>
    frame.dispatchEvent(new MouseEvent("click", { clientX: 35, clientY: 15, bubbles: true }));
  click();
  const unit = { frame: lastOf(shown) + 1, at: [1, 0, 3] };
  expect(onLook).toHaveBeenLastCalledWith({ unit });
  expect(find(panes(node)[1] ?? node, ".bbp-signal-input .field").hidden).toBe(false);
  expect(find(panes(node)[0] ?? node, ".bbp-picture .field").hidden).toBe(true);
  click();
  expect(onLook).toHaveBeenLastCalledWith({ unit: null });
  go({ step: lastOf(shown) });
  click();
  expect(onLook).toHaveBeenLastCalledWith({ unit, step: lastOf(shown) + 1 });
});

test("Enter selects where the keys are", () => {
  vi.useFakeTimers();
  const shown = film();
  const { node, onLook } = open(shown, lastOf(shown));
  const frame = find(panes(node)[0] ?? node, ".bbp-picture .frame");
  press(frame, "ArrowDown");
  press(frame, "Enter");
  const [change] = onLook.mock.calls.at(-1) ?? [];
  expect(change?.unit?.frame).toBe(lastOf(shown));
  expect(change?.unit?.at.slice(1)).toEqual([3, 2]);
  // of the three channels the one that holds the most there
  const { tensor } = shown.frames.at(-1) ?? {};
  if (tensor?.kind !== "maps") throw new Error("no maps");
  const sizes = tensor.shown.map((_, tile) =>
    Math.abs((tensor.mass.tiles[tile * 30 + 3 * 5 + 2] ?? 0) - 128),
  );
  expect(change?.unit?.at[0]).toBe(tensor.shown[sizes.indexOf(Math.max(...sizes))]);
});

test("at the input the atlas shows the maps of one input at a time", () => {
  const shown = film();
  const last = lastOf(shown);
  const onLook = vi.fn();
  const chart = atlas({ onLook, onHover() {}, onMore() {} });
  const update = (frame: number) =>
    chart.update({
      film: shown,
      frame,
      look: { ...FIRST_LOOK, lanes: [shown.state], step: frame },
      theme: "light",
      names: null,
      more: () => null,
    });
  update(1);
  expect(find(chart.node, "[aria-label='which input']").hidden).toBe(true);
  update(last);
  expect(find(chart.node, "[aria-label='which input']").textContent).toBe("picturesound<b>row</b>");
  expect(find(chart.node, "h4").textContent).toContain("3 channels of 6 × 5");
  choose(chart.node, "which input", "1");
  expect(onLook).toHaveBeenLastCalledWith({ step: last + 1, page: 0 });
  update(last + 1);
  expect(find(chart.node, "h4").textContent).toContain("Mass at sound");
  expect(find(chart.node, "h4").textContent).toContain("2 channels of 1 × 9");
});

test("a film with one input again puts the other panes away", () => {
  const shown = film();
  const chart = open(shown);
  const alone = { ...shown, others: [], input: { ...shown.input, title: "" } };
  chart.update({
    films: [alone],
    look: { ...FIRST_LOOK, lanes: [alone.state] },
    frame: 1,
    theme: "dark",
  });
  expect(panes(chart.node)).toHaveLength(1);
  expect(find(chart.node, ".pane-title").hidden).toBe(true);
});
