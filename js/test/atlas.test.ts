import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type AtlasView, atlas } from "../src/charts/atlas";
import { layoutOf } from "../src/charts/atlas-layout";
import { addedBy } from "../src/charts/stops";
import type { ChannelsAnswer, ChannelsQuestion, Detail } from "../src/detail";
import type { Look } from "../src/look";
import { find, press } from "./helpers";
import { channelsAnswer, gridOf, LOOK, MANY, mapsOf, plainFilm } from "./plain-film";
import { recordingOf } from "./setup";

/** What jsdom takes for the width of the board, since it measures nothing. */
const WIDTH = 700;
const SQUARE = layoutOf(WIDTH, 24, { height: 27, width: 27 });

function open(change: Partial<AtlasView> = {}) {
  const onLook = vi.fn();
  const onHover = vi.fn();
  const onMore = vi.fn<(question: ChannelsQuestion) => void>();
  const chart = atlas({ onLook, onHover, onMore });
  document.body.append(chart.node);
  let view: AtlasView = {
    film: plainFilm(),
    frame: 2,
    look: LOOK,
    theme: "light",
    names: null,
    more: () => null,
    ...change,
  };
  const update = (next: Partial<AtlasView> = {}) => {
    view = { ...view, ...next };
    chart.update(view);
  };
  const look = (next: Partial<Look>) => update({ look: { ...view.look, ...next } });
  update();
  return { ...chart, update, look, onLook, onHover, onMore, film: view.film };
}

const tilesOf = (root: ParentNode) => [...root.querySelectorAll<HTMLElement>("[role=gridcell]")];
const reading = (root: ParentNode) => find(root, ".reading").textContent;

function pointer(node: Element, type: string, tile: number, row: number, column: number) {
  const x = (tile % SQUARE.columns) * SQUARE.pitch.across;
  const y = Math.floor(tile / SQUARE.columns) * SQUARE.pitch.down;
  const clientX = x + ((column + 0.5) / 27) * SQUARE.tile.width;
  const clientY = y + ((row + 0.5) / 27) * SQUARE.tile.height;
  node.dispatchEvent(new MouseEvent(type, { bubbles: true, clientX, clientY }));
}

let closing: (() => void)[] = [];
beforeEach(() => {
  closing = [];
});
afterEach(() => {
  for (const close of closing) close();
});

function shown(change: Partial<AtlasView> = {}) {
  const chart = open(change);
  closing.push(chart.destroy);
  return chart;
}

describe("the atlas", () => {
  test("draws all tiles on one canvas, with number and sum under each", () => {
    const chart = shown();
    const tiles = tilesOf(chart.node);
    expect(tiles).toHaveLength(24);
    expect(chart.node.querySelectorAll(".board > canvas")).toHaveLength(1);
    const canvas = find<HTMLCanvasElement>(chart.node, ".board > canvas");
    const copies = recordingOf(canvas).calls.filter((call) => call.startsWith("drawImage"));
    expect(copies).toHaveLength(24);
    const { tensor } = chart.film.frames[2] ?? {};
    if (tensor?.kind !== "maps") throw new Error("the film has maps here");
    expect(tiles.map((tile) => tile.querySelector(".number")?.textContent)).toEqual(
      MANY.map(String),
    );
    expect(tiles.map((tile) => tile.querySelector("b")?.dataset.value)).toEqual(
      tensor.mass.sums.map(String),
    );
    expect(chart.node.textContent).toContain("128 channels of 27 × 27, the 24 largest by |mass|");
    expect(chart.node.textContent).toContain("+0.0012");
  });

  test("makes no element while stepping, and paints nothing twice", () => {
    const chart = shown();
    const before = tilesOf(chart.node);
    const canvas = find<HTMLCanvasElement>(chart.node, ".board > canvas");
    const painted = () => recordingOf(canvas).calls.length;
    const first = painted();
    chart.update();
    expect(painted()).toBe(first);
    chart.update({ frame: 3 });
    expect(painted()).toBeGreaterThan(first);
    expect(tilesOf(chart.node)).toHaveLength(16);
    chart.update({ frame: 2 });
    expect(tilesOf(chart.node)).toEqual(before);
  });

  test("keeps its height from step to step", () => {
    const chart = shown();
    const height = find(chart.node, ".room").style.minHeight;
    for (const frame of [0, 1, 3, 4]) {
      chart.update({ frame });
      expect(find(chart.node, ".room").style.minHeight).toBe(height);
    }
  });

  test("shows mass, value and grad ⊙ value", () => {
    const chart = shown();
    find(chart.node, "[data-key=contribution]").click();
    expect(chart.onLook).toHaveBeenCalledWith({ tensor: "contribution" });
    chart.look({ tensor: "contribution" });
    expect(find(chart.node, ".title").textContent).toBe("Grad ⊙ value at features.6.expand3x3");
  });

  test("marks what is not finite and says what lies beyond", () => {
    const film = plainFilm();
    const { tensor } = film.frames[2] ?? {};
    if (tensor?.kind !== "maps") throw new Error("the film has maps here");
    tensor.mass.tiles.fill(0, 0, 6);
    tensor.mass.broken[0] = 6;
    tensor.mass.clipped[2] = 9;
    tensor.mass.tiles[2 * 27 * 27] = 255;
    const chart = shown({ film });
    expect(find(chart.node, ".limits .broken").textContent).toBe("6 not finite");
    expect(find(chart.node, ".limits .clipped").textContent).toBe("9 beyond");
    expect(tilesOf(chart.node)[0]?.classList.contains("wild")).toBe(true);
    expect(tilesOf(chart.node).map((tile) => tile.classList.contains("beyond"))).toEqual(
      tensor.mass.clipped.map((count) => count > 0),
    );
    expect(tilesOf(chart.node)[0]?.getAttribute("aria-label")).toContain("6 not finite");
    const board = find(chart.node, ".board");
    pointer(board, "pointermove", 0, 0, 0);
    expect(reading(chart.node)).toBe("ch 0, (0, 0): mass not finite");
    pointer(board, "pointermove", 2, 0, 0);
    expect(reading(chart.node)).toBe("ch 74, (0, 0): mass ≈ +0.0012 or beyond");
  });

  test("tells the unit under the pointer, and selects it", () => {
    const chart = shown();
    const board = find(chart.node, ".board");
    pointer(board, "pointermove", 1, 16, 12);
    expect(chart.onHover).toHaveBeenLastCalledWith({ frame: 2, at: [37, 16, 12] });
    expect(reading(chart.node)).toMatch(/^ch 37, \(16, 12\): mass ≈ [+−]0\.\d+$/);
    pointer(board, "click", 1, 16, 12);
    expect(chart.onLook).toHaveBeenLastCalledWith({ unit: { frame: 2, at: [37, 16, 12] } });
    chart.look({ unit: { frame: 2, at: [37, 16, 12] } });
    expect(tilesOf(chart.node)[1]?.getAttribute("aria-selected")).toBe("true");
    expect(find(chart.node, ".spot.picked").hidden).toBe(false);
    pointer(board, "click", 1, 16, 12);
    expect(chart.onLook).toHaveBeenLastCalledWith({ unit: null });
    board.dispatchEvent(new MouseEvent("pointerleave"));
    expect(chart.onHover).toHaveBeenLastCalledWith(null);
    chart.update({ frame: 3 });
    expect(find(chart.node, ".spot.picked").hidden).toBe(true);
  });

  test("speaks of the unit in the value's own places where tiles are blocks", () => {
    const chart = shown({ frame: 4 });
    const room = Number.parseFloat(find(chart.node, ".room").style.minHeight);
    const layout = layoutOf(WIDTH, 3, { height: 56, width: 56 }, room);
    const clientX = layout.pitch.across + (10.5 / 56) * layout.tile.width;
    const clientY = (55.5 / 56) * layout.tile.height;
    const board = find(chart.node, ".board");
    board.dispatchEvent(new MouseEvent("pointermove", { clientX, clientY }));
    expect(chart.onHover).toHaveBeenLastCalledWith({ frame: 4, at: [0, 222, 42] });
    expect(reading(chart.node)).toContain("sum of 4 × 4 places");
    expect(chart.onMore).not.toHaveBeenCalled();
  });

  test("is walked by keys: tiles, into one, cells, out again", () => {
    const chart = shown();
    const grid = find(chart.node, "[role=grid]");
    const active = () => grid.getAttribute("aria-activedescendant");
    const label = () => document.getElementById(active() ?? "")?.getAttribute("aria-label");
    expect(label()).toContain("channel 0,");
    press(grid, "ArrowRight");
    expect(label()).toContain("channel 37,");
    press(grid, "ArrowDown");
    expect(label()).toContain(`channel ${MANY[1 + SQUARE.columns]},`);
    press(grid, "Home");
    press(grid, "Enter");
    expect(chart.onHover).toHaveBeenLastCalledWith({ frame: 2, at: [0, 13, 13] });
    press(grid, "ArrowUp");
    press(grid, "ArrowLeft");
    expect(chart.onHover).toHaveBeenLastCalledWith({ frame: 2, at: [0, 12, 12] });
    vi.advanceTimersByTime(300);
    expect(find(chart.node, "[aria-live]").textContent).toMatch(/^ch 0, \(12, 12\): mass/);
    press(grid, "Enter");
    expect(chart.onLook).toHaveBeenLastCalledWith({ unit: { frame: 2, at: [0, 12, 12] } });
    press(grid, "Escape");
    expect(chart.onHover).toHaveBeenLastCalledWith(null);
    const free = new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true });
    grid.dispatchEvent(free);
    expect(free.defaultPrevented).toBe(false);
    expect(grid.dataset.lmSuppressShortcuts).toBe("true");
  });

  test("sorts by number on the page where all channels are shown", () => {
    const chart = shown({ frame: 3, look: { ...LOOK, sort: "index" } });
    const names = tilesOf(chart.node).map((tile) => tile.querySelector(".number")?.textContent);
    expect(names).toEqual(Array.from({ length: 16 }, (_, index) => String(index)));
    expect(chart.onMore).not.toHaveBeenCalled();
    expect(find(chart.node, ".pager").classList.contains("off")).toBe(true);
  });

  test("asks for other pages once at rest, and shows them when they come", () => {
    const chart = shown();
    find(chart.node, "[aria-label='the next page']").click();
    expect(chart.onLook).toHaveBeenCalledWith({ page: 1 });
    chart.look({ page: 1 });
    chart.look({ page: 2 });
    expect(chart.onMore).not.toHaveBeenCalled();
    vi.advanceTimersByTime(200);
    const question = { kind: "channels", film: chart.film.key, frame: 2, by: "mass", page: 2 };
    expect(chart.onMore.mock.calls).toEqual([[question]]);
    chart.update({ more: () => ({ state: "asked" }) });
    expect(find(chart.node, ".empty").textContent).toContain("Asking the kernel");
    const shownNow = Array.from({ length: 24 }, (_, index) => 100 - index);
    const answer = channelsAnswer(shownNow, 5);
    chart.update({ more: () => ({ state: "here", answer }) });
    expect(find(chart.node, ".empty").hidden).toBe(true);
    expect(tilesOf(chart.node)[0]?.querySelector(".number")?.textContent).toBe("100");
    expect(find(chart.node, ".pager").textContent).toContain("page 3 of 5");
    expect(chart.node.textContent).toContain("49 to 72 by |mass|");
    vi.advanceTimersByTime(1000);
    expect(chart.onMore).toHaveBeenCalledTimes(1);
  });

  test("turns pages by key from the tiles", () => {
    const chart = shown();
    const grid = find(chart.node, "[role=grid]");
    press(grid, "PageUp");
    expect(chart.onLook).not.toHaveBeenCalled();
    press(grid, "PageDown");
    expect(chart.onLook).toHaveBeenLastCalledWith({ page: 1 });
  });

  test("says when all is zero, in place of limits", () => {
    const film = plainFilm();
    const { tensor } = film.frames[2] ?? {};
    if (tensor?.kind !== "maps") throw new Error("the film has maps here");
    tensor.mass.limit = 0;
    const chart = shown({ film });
    expect(find(chart.node, ".limits").textContent).toContain("all zero");
    expect(find(chart.node, ".ramp").hidden).toBe(true);
  });

  test("offers the rest of a page that the film had no room for", () => {
    const film = plainFilm();
    const [, , third] = film.frames;
    if (!third) throw new Error("no frame");
    third.tensor = mapsOf({ channels: 128, shown: MANY.slice(0, 8), height: 27, width: 27 });
    const chart = shown({ film });
    const link = find(chart.node, ".pages > button");
    expect(link.textContent).toBe("show 24");
    expect(find(chart.node, ".pager").textContent).toContain("page 1 of 6");
    vi.advanceTimersByTime(1000);
    expect(chart.onMore).not.toHaveBeenCalled();
    link.click();
    expect(chart.onMore.mock.lastCall?.[0]).toMatchObject({ by: "mass", page: 0 });
    chart.update({ more: () => ({ state: "asked" }) });
    expect(link.textContent).toBe("asking the kernel");
    expect(tilesOf(chart.node)).toHaveLength(8);
    const answer = channelsAnswer(MANY);
    chart.update({ more: () => ({ state: "here", answer }) });
    expect(tilesOf(chart.node)).toHaveLength(24);
    expect(link.hidden).toBe(true);
    chart.update({ more: () => ({ state: "offline" }) });
    expect(tilesOf(chart.node)).toHaveLength(8);
    expect(link.hidden).toBe(true);
  });

  test("walking past steps asks nothing", () => {
    const chart = shown({ look: { ...LOOK, sort: "index" } });
    vi.advanceTimersByTime(100);
    chart.update({ frame: 3 });
    vi.advanceTimersByTime(1000);
    expect(chart.onMore).not.toHaveBeenCalled();
  });

  test("says plainly what failed and what needs a kernel, and the way on", () => {
    const failed: Detail<ChannelsAnswer> = {
      state: "failed",
      title: "KeyError",
      message: "no <b>",
    };
    const chart = shown({ look: { ...LOOK, page: 3 }, more: () => failed });
    const empty = find(chart.node, ".empty");
    expect(empty.textContent).toContain("KeyError: no <b>");
    find(empty, "button").click();
    expect(chart.onMore).toHaveBeenCalledTimes(1);
    chart.update({ more: () => ({ state: "offline" }) });
    expect(empty.textContent).toContain("it takes a kernel");
    find(empty, "button").click();
    expect(chart.onLook).toHaveBeenLastCalledWith({ sort: "mass", page: 0 });
  });

  test("by number shows what is kept where there is no kernel, and says so", () => {
    const chart = shown({ look: { ...LOOK, sort: "index" }, more: () => ({ state: "offline" }) });
    const numbers = tilesOf(chart.node).map((tile) => Number(find(tile, ".number").textContent));
    expect(numbers).toHaveLength(24);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(find(chart.node, "h4 .soft").textContent).toContain("kept are the 24 largest by |mass|");
  });

  test("shows the last page of a step that has fewer", () => {
    const chart = shown({ look: { ...LOOK, page: 99 }, more: () => ({ state: "asked" }) });
    expect(find(chart.node, ".pager").textContent).toContain("page 6 of 6");
  });

  test("says in words where nothing is held and what is still to come", () => {
    const film = plainFilm();
    const chart = shown({ film, frame: 0 });
    expect(find(chart.node, ".empty").textContent).toContain("No bias has been gathered here yet");
    expect(find(chart.node, ".board").hidden).toBe(true);
    expect(find(chart.node, ".bbp-entries").hidden).toBe(false);
    const frames = film.frames.map((frame) => ({ ...frame, tensor: { kind: "pending" } as const }));
    chart.update({ film: { ...film, part: "numbers", frames }, frame: 2 });
    expect(find(chart.node, ".empty").textContent).toContain("on their way");
  });

  test("at the output says where the bias will enter, the largest first, and goes there", () => {
    const film = plainFilm();
    const chart = shown({ film, frame: 0 });
    const rows = [...chart.node.querySelectorAll<HTMLElement>(".bbp-entries li button")];
    const added = rows.map((row) => Number(find(row, "b").dataset.value));
    const stops = film.levels.layers.map((_, index) => addedBy(film, "layers")[index] ?? 0);
    const wanted = stops.filter((one) => one !== 0).sort((a, b) => Math.abs(b) - Math.abs(a));
    expect(added).toEqual(wanted.slice(0, rows.length));
    const sum = Number(find(chart.node, ".bbp-entries .sum[data-value]").dataset.value);
    expect(sum).toBeCloseTo(stops.reduce((all, one) => all + one, 0));
    rows[0]?.click();
    const largest = stops.indexOf(wanted[0] ?? 0);
    expect(chart.onLook).toHaveBeenLastCalledWith({ step: film.levels.layers[largest]?.frame });
    chart.update({ frame: 2 });
    expect(find(chart.node, ".bbp-entries").hidden).toBe(true);
  });

  test("repaints in the colours of the theme", () => {
    const chart = shown();
    const canvas = find<HTMLCanvasElement>(chart.node, ".board > canvas");
    const before = recordingOf(canvas).calls.length;
    chart.update({ theme: "dark" });
    expect(recordingOf(canvas).calls.length).toBeGreaterThan(before);
  });
});

describe("a layer without places", () => {
  test("has bars, the largest by name, and both can be chosen", () => {
    const names = [
      "<img src=x onerror=alert(1)>",
      ...Array.from({ length: 511 }, (_, i) => `c${i + 1}`),
    ];
    const chart = shown({ frame: 1, names });
    const rows = [...chart.node.querySelectorAll<HTMLButtonElement>(".largest button")];
    expect(rows).toHaveLength(6);
    expect(chart.node.querySelector("img")).toBeNull();
    const { tensor } = chart.film.frames[1] ?? {};
    if (tensor?.kind !== "vector") throw new Error("the film has a vector here");
    const values = tensor.mass;
    const largest = [...values.keys()].sort(
      (a, b) => Math.abs(values[b] ?? 0) - Math.abs(values[a] ?? 0),
    );
    expect(rows[0]?.querySelector("b")?.dataset.value).toBe(String(values[largest[0] ?? 0]));
    rows[0]?.click();
    expect(chart.onLook).toHaveBeenLastCalledWith({ unit: { frame: 1, at: [largest[0]] } });
    chart.look({ unit: { frame: 1, at: [largest[0] ?? 0] } });
    expect(rows[0]?.getAttribute("aria-pressed")).toBe("true");
    const slider = find(chart.node, "[role=slider]");
    press(slider, "ArrowRight");
    expect(slider.getAttribute("aria-valuetext")).toBe(
      `${names[largest[1] ?? 0]}, mass ${rows[1]?.querySelector("b")?.textContent?.replace("+", "")}`,
    );
    expect(chart.onHover).toHaveBeenLastCalledWith({ frame: 1, at: [largest[1]] });
    press(slider, "Enter");
    expect(chart.onLook).toHaveBeenLastCalledWith({ unit: { frame: 1, at: [largest[1]] } });
  });

  test("names the largest in the order of the bars, and says that they are the largest", () => {
    const chart = shown({ frame: 1 });
    const channels = () =>
      [...chart.node.querySelectorAll(".largest span")].map((one) =>
        Number(one.textContent?.replace("channel ", "")),
      );
    const bySize = channels();
    chart.look({ sort: "index" });
    expect(channels()).toEqual([...bySize].sort((a, b) => a - b));
    expect(channels()).not.toEqual(bySize);
    expect(find(chart.node, ".vector > .soft").textContent).toBe("the 6 largest by |mass|");
  });

  test("follows the pointer from step to step, and lets go of it where there are no bars", () => {
    const chart = shown({ frame: 1 });
    const bars = find(chart.node, ".bbp-strip");
    bars.dispatchEvent(new MouseEvent("pointermove", { clientX: 1 }));
    const first = chart.onHover.mock.lastCall?.[0];
    expect(first?.frame).toBe(1);
    expect(reading(chart.node)).toMatch(/^channel \d+: [+−]/);
    chart.look({ sort: "index" });
    expect(chart.onHover).toHaveBeenLastCalledWith({ frame: 1, at: [0] });
    chart.update({ frame: 0 });
    expect(chart.onHover).toHaveBeenLastCalledWith(null);
  });

  test("puts what is not finite first", () => {
    const film = plainFilm();
    const { tensor } = film.frames[1] ?? {};
    if (tensor?.kind !== "vector") throw new Error("the film has a vector here");
    tensor.mass[77] = Number.NaN;
    const chart = shown({ film, frame: 1 });
    expect(find(chart.node, ".largest li").textContent).toBe("channel 77not finite");
    expect(find(chart.node, ".limits .broken").textContent).toBe("1 not finite");
  });

  test("of one by one maps is counted by channel", () => {
    const film = plainFilm();
    const [, fc] = film.frames;
    if (!fc) throw new Error("no frame");
    fc.shape = [512, 1, 1];
    fc.grid = gridOf(fc.shape);
    const chart = shown({ film, frame: 1 });
    find(chart.node, ".largest button").click();
    const unit = chart.onLook.mock.lastCall?.[0].unit;
    expect(unit.at).toHaveLength(1);
    chart.look({ unit });
    expect(find(chart.node, ".largest button").getAttribute("aria-pressed")).toBe("true");
  });
});
