import { describe, expect, test, vi } from "vitest";
import { type GalleryView, gallery } from "../src/charts/gallery";
import { describeOverlay, flatOf, peakOf } from "../src/charts/overlay";
import { bars } from "../src/charts/signed-map";
import type { Film, Frame } from "../src/film";
import { FIRST_LOOK, type Look } from "../src/look";
import { blockSums, differenceOf, planesOf, spread } from "../src/planes";
import { choose, chosen, FIRST, film, find, LANE, press } from "./helpers";
import { recordingOf } from "./setup";

const UNIFORM = { ...LANE, rule: "uniform", parameters: {} };
const uniform = () => film({ state: { ...FIRST, rule: "uniform", parameters: {} } });

function open(films: (Film | null)[], change: Partial<Look> = {}, frame = 4) {
  let look: Look = {
    ...FIRST_LOOK,
    target: 0,
    lanes: [LANE, UNIFORM].slice(0, films.length),
    ...change,
  };
  const onLook = vi.fn((more: Partial<Look>) => {
    look = { ...look, ...more };
    update();
  });
  const chart = gallery({ onLook });
  const update = (more: Partial<GalleryView> = {}) =>
    chart.update({ films, look, frame, theme: "light", ...more });
  update();
  document.body.append(chart.node);
  return { ...chart, update, onLook, look: () => look };
}

const figures = (root: ParentNode) => [
  ...root.querySelectorAll<HTMLElement>(".bbp-map:not([hidden])"),
];
const names = (root: ParentNode) =>
  figures(root).map((one) => find(one, "figcaption .name:not([hidden])").textContent);
const limitsIn = (root: ParentNode) =>
  figures(root)
    .slice(1)
    .map((one) => Number(find(one, ".limits [data-value]").dataset.value));

test("input, both parts and their total, with the film's own sums", () => {
  const shown = film();
  const { node } = open([shown]);
  expect(names(node)).toEqual(["input", "w ⊙ x", "bias attribution", "total"]);
  const sums = figures(node).map((one) => find(one, ".figure").dataset.value);
  const { gradient, bias } = shown.totals;
  expect(sums.slice(1)).toEqual([gradient, bias, (gradient ?? 0) + (bias ?? 0)].map(String));
});

test("a picture for each lane on one scale, its head chooses the lane, and a difference when asked", () => {
  const films = [film(), uniform()];
  const { node, onLook } = open(films);
  expect(names(node)).toEqual(["input", "w ⊙ x", "1 proportional", "2 uniform", "total of 1"]);
  const [, one, two] = limitsIn(node);
  expect(one).toBe(two);
  onLook({ difference: 1 });
  expect(names(node).at(-1)).toBe("1 − 2");
  find(figures(node)[3] ?? node, "button").click();
  expect(onLook).toHaveBeenLastCalledWith({ lane: 1 });
  expect(find(figures(node)[3] ?? node, "button").getAttribute("aria-pressed")).toBe("true");
  expect(names(node)).toContain("total of 2");
});

test("lanes of one rule are told apart by its parameters, and by the plan where those are alike", () => {
  const sharp = film({ state: { ...FIRST, parameters: { power: 3 } } });
  expect(names(open([film(), sharp]).node).slice(2, 4)).toEqual([
    "1 proportional, power 1",
    "2 proportional, power 3",
  ]);
  const plan = { "block2.*": { rule: "uniform", parameters: {} } };
  const planned = film({ state: { ...FIRST, plan } });
  expect(names(open([film(), planned]).node).slice(2, 4)).toEqual([
    "1 proportional, power 1",
    "2 proportional, power 1, plan",
  ]);
});

test("a picture is called by the rule that made it, also while another is on its way", () => {
  const { node, onLook } = open([film(), uniform()]);
  onLook({ lanes: [LANE, { ...UNIFORM, rule: "winner" }] });
  expect(names(node)[3]).toBe("2 uniform");
});

test("a lane on its way keeps its place", () => {
  const { node, update } = open([film(), null]);
  expect(names(node)).toHaveLength(5);
  expect(find(figures(node)[3] ?? node, ".wait").hidden).toBe(false);
  update({ films: [film(), uniform()] });
  expect(find(figures(node)[3] ?? node, ".wait").hidden).toBe(true);
});

describe("the scale", () => {
  test("shared gives all pictures one limit, each its own", () => {
    const { node } = open([film()]);
    expect(new Set(limitsIn(node)).size).toBe(3);
    choose(node, "scale", "shared");
    expect(new Set(limitsIn(node)).size).toBe(1);
    expect(chosen(node, "scale")).toBe("shared");
  });

  test("step stays put while rules are switched, and says so", () => {
    const films = [film(), uniform()];
    const largest = Math.max(...films.map((one) => planesOf(one, 1).bias.limits.limit));
    const { node, update } = open(films.slice(0, 1), { scale: "step" });
    update({ films: films.slice(1) });
    update({ films: films.slice(0, 1) });
    expect(limitsIn(node)[1]).toBe(largest);
    const says = find(node, "[role=radiogroup][aria-label=scale] [data-key=step]").title;
    expect(says).toContain("stays put");
  });

  test("mass over the input is compared between steps by area", () => {
    const shown = film();
    const densities = shown.frames.flatMap(({ tensor }) =>
      tensor.kind === "maps" ? [(tensor.flat.limit ?? 0) * tensor.height * tensor.width] : [],
    );
    expect(peakOf(shown)).toBe(Math.max(...densities));
  });
});

describe("the grain", () => {
  test("blocks are exact sums, the ones over the edge of what is there", () => {
    const values = Float32Array.from({ length: 15 }, (_, index) => index);
    const blocks = blockSums(values, { height: 3, width: 5 }, 2);
    expect([blocks.height, blocks.width]).toEqual([2, 3]);
    expect([...blocks.values]).toEqual([0 + 1 + 5 + 6, 2 + 3 + 7 + 8, 4 + 9, 10 + 11, 12 + 13, 14]);
    const codes = spread(Uint8Array.from([1, 2, 3, 4, 5, 6]), 3, { height: 3, width: 5 }, 2);
    expect([...codes]).toEqual([1, 1, 2, 2, 3, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6]);
  });

  test("adds up to the same sum at every grain, and says what a block is", () => {
    const shown = film();
    const sum = (values: Float32Array) => values.reduce((all, one) => all + one, 0);
    for (const grain of [1, 4, 8, 16] as const) {
      const { bias } = planesOf(shown, grain);
      expect(bias.width).toBe(16 / grain);
      expect(sum(bias.values)).toBeCloseTo(sum(shown.pictures.bias), 4);
    }
    const { node } = open([shown]);
    choose(node, "grain", "8");
    expect(find(node, ".unit").textContent).toBe("target units per block of 8 × 8 px");
  });

  test("a film of block sums says so, and is not summed again below that", () => {
    const shown = film();
    if (shown.input.kind !== "picture") throw new Error("no picture");
    const large = { ...shown, input: { ...shown.input, height: 64, width: 64 } };
    expect(planesOf(large, 1).pixels).toBe(4);
    expect(planesOf(large, 4).block).toBe(1);
    expect(planesOf(large, 8).block).toBe(2);
  });
});

test("the difference is taken pixel by pixel", () => {
  const [a, b] = [film(), uniform()].map((one) => planesOf(one, 1).bias);
  if (!a || !b) throw new Error("no planes");
  const less = differenceOf(a, b);
  expect(less?.values[5]).toBeCloseTo((a.values[5] ?? 0) - (b.values[5] ?? 0));
});

describe("one place is read in all pictures at once", () => {
  test("by the pointer", () => {
    const shown = film();
    const { node } = open([shown]);
    const frame = find(figures(node)[2] ?? node, ".frame");
    frame.getBoundingClientRect = () => ({ left: 0, top: 0, width: 160, height: 160 }) as DOMRect;
    frame.dispatchEvent(new MouseEvent("pointermove", { clientX: 55, clientY: 25 }));
    const read = figures(node).map((one) => find(one, ".figure").textContent);
    expect(read[0]).toContain("(2, 5)");
    const value = shown.pictures.bias[2 * 16 + 5] ?? 0;
    expect(read[2]).toBe(`${value > 0 ? "+" : "−"}${Math.abs(value).toPrecision(3)}`);
    expect(node.querySelectorAll(".marker:not([hidden])")).toHaveLength(4);
    expect(find(node, ".unit .reading").textContent).toBe("row 2, column 5");
    frame.dispatchEvent(new MouseEvent("pointerleave"));
    expect(find(figures(node)[2] ?? node, ".figure").textContent).toContain("Σ");
  });

  test("by the keyboard, spoken, until Escape", () => {
    const { node } = open([film()]);
    const frame = find(node, "[role=application]");
    frame.focus();
    press(frame, "ArrowLeft");
    press(frame, "ArrowUp");
    press(frame, "ArrowRight");
    expect(find(node, ".unit .reading").textContent).toBe("row 7, column 9");
    vi.advanceTimersByTime(300);
    expect(find(node, "[aria-live]").textContent).toMatch(/row 7, column 9: gradient attribution/);
    press(frame, "Escape");
    const markers = () => node.querySelectorAll(".marker:not([hidden])").length;
    expect(markers()).toBe(0);
    // The arrow keys are the rail's again.
    const above = vi.fn();
    node.addEventListener("keydown", above);
    press(frame, "ArrowLeft");
    expect([above.mock.calls.length, markers()]).toEqual([1, 0]);
    press(frame, "Enter");
    expect([above.mock.calls.length, markers()]).toEqual([1, 4]);
  });
});

test("what a unit sees is framed in every picture, inside the picture", () => {
  const shown = film();
  const field = { start: [-1, 4], step: [2, 2], size: [4, 8] } satisfies Frame["field"];
  shown.frames.splice(2, 1, { ...(shown.frames[2] as Frame), field });
  const { node, update } = open([shown]);
  update({ unit: { frame: 2, at: [0, 0, 0] } });
  const boxes = [
    ...node.querySelectorAll<HTMLElement>(".bbp-map:not([hidden]) .field:not([hidden])"),
  ];
  expect(boxes).toHaveLength(4);
  expect(boxes[0]?.style.top).toBe("0%");
  // rows -1 to 2 of 16
  expect(Number.parseFloat(boxes[0]?.style.height ?? "")).toBeCloseTo(300 / 16);
});

test("how much lies over the input is a choice that passes while the hand moves", () => {
  const { node, onLook } = open([film()]);
  const slider = find<HTMLInputElement>(node, "input[type=range]");
  slider.value = "20";
  slider.dispatchEvent(new Event("input"));
  slider.dispatchEvent(new Event("change"));
  expect(onLook.mock.calls).toEqual([[{ overlay: 0.2 }, true], [{ overlay: 0.2 }]]);
  expect(find(node, ".pictures").style.getPropertyValue("--bbp-blend")).toBe("0.2");
  find(node, "button.toggle").click();
  expect(node.querySelectorAll(".frame.laid")).toHaveLength(3);
});

test("stepping repaints the overlay and leaves the other pictures alone", () => {
  const { node, update } = open([film()]);
  const canvases = [
    ...node.querySelectorAll<HTMLCanvasElement>(".bbp-map:not(.bbp-picture) canvas"),
  ];
  const before = canvases.map((canvas) => recordingOf(canvas).calls.length);
  update({ frame: 6 });
  expect(canvases.map((canvas) => recordingOf(canvas).calls.length)).toEqual(before);
  const front = find<HTMLCanvasElement>(node, ".sheet.front");
  expect(recordingOf(front).calls.some((call) => call.startsWith("drawImage"))).toBe(true);
});

test("a row of tokens is not laid over a picture, and a tile on its way says so", () => {
  const frame = film().frames[4];
  if (frame?.tensor.kind !== "maps") throw new Error("the recipe has maps here");
  const flat = { height: 1, width: 4, limit: 1, tile: new Uint8Array(4) };
  const row: Frame = { ...frame, tensor: { ...frame.tensor, flat } };
  expect(flatOf(row, { height: 16, width: 16 })).toBeNull();
  expect(flatOf(row, { height: 1, width: 16 })).toBe(flat);
  expect(describeOverlay(row, { height: 16, width: 16 })).toBe("mass not placed on the input");
  const pending: Frame = { ...frame, tensor: { kind: "pending" } };
  expect(describeOverlay(pending, { height: 16, width: 16 })).toBe("mass on its way");
});

describe("a table", () => {
  const table = (rule: string) =>
    film({ kind: "vector", state: { ...FIRST, rule, parameters: {} } });

  test("shows bars by feature name, and sums that are the film's", () => {
    const shown = table("proportional");
    const { node } = open([shown]);
    const rows = [...node.querySelectorAll("tbody tr")];
    expect(rows.map((row) => row.querySelector("th")?.textContent)).toContain("AveRooms");
    const sums = [...node.querySelectorAll<HTMLElement>("tfoot b")].map((b) => b.dataset.value);
    expect(sums[1]).toBe(String(shown.totals.bias));
    expect(find(node, ".pictures").hidden).toBe(true);
  });

  test("has a column for each lane and for their difference", () => {
    const { node, onLook } = open([table("proportional"), table("uniform")], { difference: 1 });
    const heads = [...node.querySelectorAll("thead th")].map((th) => th.textContent);
    expect(heads.slice(2)).toEqual(["w ⊙ x", "1 proportional", "2 uniform", "total of 1", "1 − 2"]);
    find(node, "thead button[aria-pressed=false]").click();
    expect(onLook).toHaveBeenCalledWith({ lane: 1 });
  });

  test("of many features shows the largest and adds up the rest", () => {
    const shown = table("proportional");
    const values = Float32Array.from({ length: 40 }, (_, index) => (index * 7) % 40);
    const wide = {
      ...shown,
      input: { ...shown.input, names: null, values },
      pictures: { height: 1, width: 40, gradient: values, bias: values },
    } as Film;
    const { node } = open([wide]);
    const rows = [...node.querySelectorAll("tbody tr")];
    expect(rows).toHaveLength(17);
    expect(rows[0]?.querySelectorAll<HTMLElement>("b")[1]?.dataset.value).toBe("39");
    const rest = rows.at(-1);
    expect(rest?.textContent).toContain("the other 24");
    expect(rest?.querySelector("b")?.dataset.value).toBe(String((23 * 24) / 2));
    find(node, ".bbp-features > button").click();
    expect(node.querySelectorAll("tbody tr")).toHaveLength(40);
  });
});

test("a signal is drawn as bars about a line, blue below and orange above", () => {
  const codes = bars(Uint8Array.from([255, 1, 128, 0]));
  const column = (index: number) => {
    const rows = Array.from({ length: codes.length / 4 }, (_, row) => codes[row * 4 + index]);
    return { top: rows[0], middle: rows[(rows.length - 1) / 2], bottom: rows.at(-1) };
  };
  expect(column(0)).toEqual({ top: 208, middle: 208, bottom: 128 });
  expect(column(1)).toEqual({ top: 128, middle: 48, bottom: 48 });
  expect(column(2)).toMatchObject({ top: 128, bottom: 128 });
  expect(column(3)).toEqual({ top: 0, middle: 0, bottom: 0 });
});

test("at a coarser grain the arrow keys walk from block to block, to the ones at the edge", () => {
  const shown = film({ size: 36 });
  const { node } = open([shown], { grain: 16 });
  const frame = find(node, "[role=application]");
  frame.focus();
  press(frame, "ArrowDown");
  expect(find(node, ".unit .reading").textContent).toBe("rows 16–31, columns 16–31");
  press(frame, "ArrowDown", { shiftKey: true });
  press(frame, "End");
  expect(find(node, ".unit .reading").textContent).toBe("rows 32–47, columns 32–47");
});

describe("pixels are picked", () => {
  const AT = { down: 0.5, across: 0.25 };
  const click = (node: Element, { down, across }: typeof AT) => {
    node.getBoundingClientRect = () => ({ left: 0, top: 0, width: 100, height: 100 }) as DOMRect;
    node.dispatchEvent(
      new MouseEvent("click", { clientX: 100 * across, clientY: 100 * down, bubbles: true }),
    );
  };

  test("in every picture by click, in pixels of the input whatever the grain", () => {
    const { node, pick, onLook } = open([film()], { grain: 4 });
    const onPick = vi.fn();
    const frames = [...node.querySelectorAll(".bbp-map:not([hidden]) .frame")];
    for (const frame of frames) click(frame, AT);
    pick({ onPick, onLeave() {} });
    for (const frame of frames) click(frame, AT);
    expect(onPick.mock.calls).toEqual(frames.map(() => [[8, 4], "pointer"]));
    onLook.mockClear();
    pick(null);
    for (const frame of frames.slice(0, 3)) click(frame, AT);
    expect(onPick).toHaveBeenCalledTimes(frames.length);
    // With nobody who asks for pixels a click selects the unit there, and the same one again lets go of it.
    const selected = onLook.mock.calls.map(([change]) => change.unit);
    expect(selected[0]?.at.slice(1)).toEqual([8, 4]);
    expect(selected).toEqual([selected[0], null, selected[0]]);
  });

  test("by keys from the pixel at hand: arrows move, Enter picks, Escape gives the keys back", () => {
    const shown = film();
    const unit = { frame: shown.frames.length - 1, at: [0, 3, 9] };
    const { node, pick } = open([shown], { unit });
    const input = find(node, "[role=application]");
    expect(input.getAttribute("aria-label")).toContain("Enter selects");
    const [onPick, onLeave] = [vi.fn(), vi.fn()];
    pick({ onPick, onLeave });
    expect(input.getAttribute("aria-label")).toContain("Enter picks");
    press(input, "ArrowDown");
    press(input, "ArrowDown");
    press(input, "ArrowLeft");
    expect(onPick).not.toHaveBeenCalled();
    press(input, "Enter");
    expect(onPick.mock.calls).toEqual([[[4, 8], "keys"]]);
    press(input, "Escape");
    press(input, "Escape");
    expect(onLeave).toHaveBeenCalledTimes(2);
  });

  test("the last one ends it: the mark goes with the focus", () => {
    const { node, pick } = open([film()]);
    const input = find(node, "[role=application]");
    const marks = () => [...node.querySelectorAll<HTMLElement>(".marker")].map((one) => one.hidden);
    pick({
      onPick() {
        pick(null);
        input.dispatchEvent(new FocusEvent("blur"));
      },
      onLeave() {},
    });
    press(input, "ArrowDown");
    expect(marks()).toContain(false);
    press(input, "Enter");
    expect(marks()).not.toContain(false);
  });
});
