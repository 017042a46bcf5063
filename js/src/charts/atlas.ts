/**
 * What one step holds, channel by channel: its mass, its value, or the gradient part of it.
 *
 * A film brings the channels with the most mass; others are asked for, after a moment of rest, so that
 * walking through a network sends nothing.
 */

import { rampImage, type Theme } from "../colour";
import type { ChannelsAnswer, ChannelsQuestion, Detail } from "../detail";
import { keyOf } from "../detail";
import { button, el, followSize } from "../dom";
import { compact, NOT_FINITE, signed } from "../figures";
import type { Film, Frame, Maps, Vector, Way } from "../film";
import { WAYS } from "../film";
import type { Look, OnLook } from "../look";
import { stepName } from "../names";
import { allFrames, frameAt, inputAt, lastOf, panesOf } from "../panes";
import { holds, unitText, unitUnder } from "../places";
import { factor, powerOf } from "../tenfold";
import { barsHeight, type Cell, PAGE, roomFor } from "./atlas-layout";
import { describe, tileText } from "./atlas-text";
import { board } from "./board";
import { choice } from "./choice";
import { entries } from "./entries";
import { pager } from "./pager";
import { speaker } from "./status";
import { bySize, finite, nameOf, vector } from "./vector";

export interface AtlasEvents {
  onLook: OnLook;
  /** The unit under the pointer or the keys, in indices of the value. */
  onHover(unit: { frame: number; at: number[] } | null): void;
  onMore(question: ChannelsQuestion): void;
}

export interface AtlasView {
  film: Film;
  frame: number;
  look: Look;
  theme: Theme;
  /** What the channels of a vector are called, where they are known: the classes at the output. */
  names: string[] | null;
  more(question: ChannelsQuestion): Detail<ChannelsAnswer> | null;
}

const WORDS: Record<Way, string> = {
  mass: "mass",
  value: "value",
  contribution: "grad ⊙ value",
};

const SAYS: Record<Way, string> = {
  mass: "the bias that waits here to be shared, in target units",
  value: "what the network computes here, in its own units",
  contribution: "what the gradient part of the cut is made of, in target units",
};

/** How wide the tiles are laid out where nothing can be measured. */
const UNMEASURED = 700;

/** A question may wait until the walk rests. */
const REST_MS = 160;

const HINTS: Record<Seen["kind"], string> = {
  maps: "point at a cell to read it, click it for its equation",
  vector: "point at a bar to read it, click it for its equation",
  words: "",
};

/** What there is to draw. */
type Seen =
  | {
      kind: "maps";
      maps: Maps;
      order: number[];
      page: number;
      pages: number;
      whole: boolean;
      /** By number, but only those that are kept where there is no kernel. */
      kept?: boolean;
      /** Whether the rest of a page that the film had no room for can be asked for, or has been. */
      more?: "can" | "asked" | "failed" | null;
    }
  | { kind: "vector"; vector: Vector; order: number[] }
  | { kind: "words"; words: string; page: number; pages: number; way?: "back" | "again" };

export function atlas({ onLook, onHover, onMore }: AtlasEvents) {
  const title = el("span", { class: "title" });
  const says = el("span", { class: "soft" });
  const inputs = choice({
    label: "which input",
    class: "segmented small",
    onChoose(key) {
      if (view) onLook({ step: lastOf(view.film) + Number(key), page: 0 });
    },
  });
  const ways = choice({
    label: "what the tiles show",
    class: "segmented small",
    onChoose: (key) => onLook({ tensor: key as Way }),
  });
  const sort = choice({
    label: "order of the channels",
    class: "segmented small",
    onChoose: (key) => onLook({ sort: key as Look["sort"], page: 0 }),
  });
  const pages = pager((page) => onLook({ page }));
  const sorting = el(
    "span",
    { class: "pair" },
    el("span", { class: "key" }, "sorted by"),
    sort.node,
  );
  const fuller = button({ class: "link" }, () => asked && onMore(asked));
  const tools = el(
    "div",
    { class: "atlas-tools" },
    inputs.node,
    ways.node,
    sorting,
    el("span", { class: "pages" }, fuller, pages.node),
  );
  const voice = speaker();
  const tiles = board({
    onPoint: (cell) => point(cell === null ? null : unitOf(cell), cell),
    onPick: (cell) => pick(unitOf(cell)),
    onReach: (cell) => voice.say(textOf(cell)),
    onTurn: (by) => pages.turn(by),
  });
  const bars = vector({
    onPoint: (channel) => pointAt(channel),
    onPick: (channel) => pick([channel]),
  });
  const words = el("span");
  const way = button({ class: "link" }, () => retreat());
  const empty = el("p", { class: "soft empty" }, words, " ", way);
  const ahead = entries({ onGo: (step) => onLook({ step }) });
  const room = el("div", { class: "room" }, tiles.node, bars.node, empty, ahead.node);
  const reading = el("span", { class: "reading" });
  const power = el("span", { class: "power" });
  const [low, high] = [el("span"), el("span")];
  const ramp = el("i", { class: "ramp" });
  const clipped = el("span", { class: "clipped" });
  const broken = el("span", { class: "broken" });
  const scale = el("div", { class: "limits" }, reading, power, low, ramp, high, clipped, broken);
  const node = el(
    "section",
    { class: "bbp-atlas", "aria-label": "Channels of this step" },
    el("h4", {}, title, says),
    tools,
    room,
    scale,
    voice.node,
  );
  let view: AtlasView | null = null;
  let seen: Seen | null = null;
  let drawn = "";
  let drawnOf: unknown[] = [];
  let width = 0;
  /** How much larger than usual text is. */
  let text = 1;
  let asking: ReturnType<typeof setTimeout> | undefined;
  let asked: ChannelsQuestion | null = null;
  /** How many pages the kernel makes of a step, once it has said so. */
  const counts = new WeakMap<Frame, number>();

  const now = () => (view ? frameAt(view.film, view.frame) : undefined);

  function unitOf(cell: Cell): number[] | null {
    const frame = now();
    if (seen?.kind !== "maps" || !frame) return null;
    const { maps, order } = seen;
    return unitUnder(frame.grid, maps.shown[order[cell.tile] ?? 0] ?? 0, cell, maps.block);
  }

  function pick(at: number[] | null) {
    if (!view || at === null) return;
    const { unit } = view.look;
    const again = unit?.frame === view.frame && unit.at.join() === at.join();
    onLook({ unit: again ? null : { frame: view.frame, at } });
  }

  function point(at: number[] | null, cell: Cell | null) {
    read(cell === null ? null : textOf(cell));
    onHover(at === null || !view ? null : { frame: view.frame, at });
  }

  function pointAt(channel: number | null) {
    if (channel === null) return point(null, null);
    if (seen?.kind !== "vector" || !view) return;
    const value = seen.vector[view.look.tensor][channel] ?? null;
    read(`${nameOf(view.names, channel)}: ${signed(finite(value))}`);
    onHover({ frame: view.frame, at: [channel] });
  }

  function read(text: string | null) {
    reading.textContent = text ?? HINTS[seen?.kind ?? "words"];
    reading.classList.toggle("live", text !== null);
  }

  /** "ch 79, (16, 12): mass ≈ 0.0012": a byte a cell is all that a film holds. */
  function textOf({ tile, row, column }: Cell): string {
    const frame = now();
    if (seen?.kind !== "maps" || !view || !frame) return "";
    const { maps, order } = seen;
    const from = order[tile] ?? 0;
    const planes = maps[view.look.tensor];
    const code = planes.tiles[(from * maps.height + row) * maps.width + column] ?? 0;
    const at = unitOf({ tile, row, column });
    if (at === null) return "no unit here";
    const name = unitText(frame.grid, at);
    const what = WORDS[view.look.tensor];
    if (code === 0) return `${name}: ${what} ${NOT_FINITE}`;
    const value = ((code - 128) / 127) * (planes.limit ?? 0);
    const beyond = (code === 1 || code === 255) && (planes.clipped[from] ?? 0) > 0;
    const over = view.look.tensor === "value" ? "mean" : "sum";
    const covers = maps.block > 1 ? `, ${over} of ${maps.block} × ${maps.block} places` : "";
    return `${name}: ${what} ≈ ${signed(value, 2)}${beyond ? " or beyond" : ""}${covers}`;
  }

  function retreat() {
    if (seen?.kind !== "words") return;
    if (seen.way === "back") onLook({ sort: "mass", page: 0 });
    else if (asked) onMore(asked);
  }

  function see(next: AtlasView, frame: Frame): Seen {
    const { look } = next;
    const { tensor } = frame;
    if (tensor.kind === "none") return said(next.frame === 0 ? NOTHING : EMPTY);
    if (tensor.kind === "pending") return said(PENDING);
    if (tensor.kind === "vector") {
      const values = tensor[look.tensor];
      const order = look.sort === "mass" ? bySize(tensor.mass) : [...values.keys()];
      return { kind: "vector", vector: tensor, order };
    }
    const whole = tensor.shown.length >= tensor.channels;
    if (whole) {
      const order = look.sort === "index" ? byNumber(tensor) : [...tensor.shown.keys()];
      return { kind: "maps", maps: tensor, order, page: 0, pages: 1, whole };
    }
    const count = countOf(tensor, frame);
    const page = pageOf(next, count);
    const detail = asked === null ? null : next.more(asked);
    if (detail?.state === "here") {
      const { pages: known, tensor: maps } = detail.answer;
      const pages = Math.max(1, known);
      counts.set(frame, pages);
      return { kind: "maps", maps, order: [...maps.shown.keys()], page, pages, whole };
    }
    if (look.sort === "mass" && page === 0) {
      const order = [...tensor.shown.keys()];
      const more = asked === null || detail?.state === "offline" ? null : (detail?.state ?? "can");
      return { kind: "maps", maps: tensor, order, page, pages: count, whole, more };
    }
    if (detail?.state === "failed") {
      const text = `${detail.title}: ${detail.message}`;
      return { kind: "words", words: text, page, pages: count, way: "again" };
    }
    if (detail?.state === "offline" && look.sort === "index" && tensor.shown.length > 0) {
      return {
        kind: "maps",
        maps: tensor,
        order: byNumber(tensor),
        page: 0,
        pages: 1,
        whole,
        kept: true,
      };
    }
    if (detail?.state === "offline") {
      return { kind: "words", words: OFFLINE, page, pages: count, way: "back" };
    }
    if (detail === null && asked !== null) askAtRest(asked);
    return { kind: "words", words: "Asking the kernel for these channels.", page, pages: count };
  }

  function countOf(tensor: Maps, frame: Frame): number {
    return counts.get(frame) ?? Math.max(1, Math.ceil(tensor.channels / PAGE));
  }

  function pageOf({ look }: AtlasView, count: number): number {
    return Math.max(0, Math.min(look.page, count - 1));
  }

  /** What must be asked for to be shown; of the first page only what the film had no room for. */
  function questionOf(next: AtlasView, frame: Frame): ChannelsQuestion | null {
    const { tensor } = frame;
    if (tensor.kind !== "maps" || tensor.shown.length >= tensor.channels) return null;
    const by = next.look.sort;
    const page = pageOf(next, countOf(tensor, frame));
    const first = by === "mass" && page === 0;
    if (first && tensor.shown.length >= PAGE) return null;
    return { kind: "channels", film: next.film.key, frame: next.frame, by, page };
  }

  function askAtRest(question: ChannelsQuestion) {
    const key = keyOf(question);
    clearTimeout(asking);
    asking = setTimeout(() => {
      if (asked && keyOf(asked) === key) onMore(question);
    }, REST_MS);
  }

  function draw(next: AtlasView, frame: Frame) {
    const found = see(next, frame);
    seen = found;
    const { look, theme } = next;
    const what = WORDS[look.tensor];
    title.textContent = `${what.slice(0, 1).toUpperCase()}${what.slice(1)} at ${stepName(frame.name, frame.op)}`;
    title.title = title.textContent;
    says.textContent = describe(
      frame,
      found.kind === "maps" ? { ...found, shown: found.maps.shown } : null,
      look,
    );
    tiles.node.hidden = found.kind !== "maps";
    bars.node.hidden = found.kind !== "vector";
    empty.hidden = found.kind !== "words";
    ahead.node.hidden = next.frame !== 0 || frame.tensor.kind !== "none";
    if (!ahead.node.hidden) ahead.update(next.film, look.level);
    scale.classList.toggle("bare", found.kind === "words");
    if (found.kind !== "maps") tiles.clear();
    if (found.kind !== "vector") bars.clear();
    if (found.kind === "maps") drawMaps(found, next, frame);
    else if (found.kind === "vector") drawVector(found, next, frame);
    else {
      words.textContent = found.words;
      way.hidden = found.way === undefined;
      way.textContent = found.way === "back" ? "back to the largest" : "ask again";
    }
    drawInputs(next);
    ways.update({
      options: WAYS.map((key) => ({ key, label: WORDS[key], says: SAYS[key] })),
      chosen: look.tensor,
    });
    sort.update({
      options: [
        { key: "mass", label: "|mass|", says: "largest sum of |mass| first" },
        { key: "index", label: "number", says: "as the network numbers them" },
      ],
      chosen: look.sort,
    });
    const rest = found.kind === "maps" ? (found.more ?? null) : null;
    fuller.hidden = rest === null;
    const all = frame.tensor.kind === "maps" ? Math.min(PAGE, frame.tensor.channels) : 0;
    fuller.textContent = rest === "asked" ? "asking the kernel" : `show ${all}`;
    pages.update(found.kind === "vector" ? { page: 0, pages: 1 } : found);
    ramp.style.backgroundImage = rampImage(theme);
  }

  /** The walk ends at all inputs at once: which of them is shown. */
  function drawInputs({ film, frame: index }: AtlasView) {
    const place = inputAt(film, index);
    inputs.node.hidden = place === null || film.others.length === 0;
    if (inputs.node.hidden) return;
    const options = panesOf(film).map(({ input }, key) => ({
      key: String(key),
      label: input.title,
      says: `the maps of ${input.title}`,
    }));
    inputs.update({ options, chosen: String(place) });
  }

  function drawMaps(
    { maps, order }: Extract<Seen, { kind: "maps" }>,
    { film, look, theme }: AtlasView,
    frame: Frame,
  ) {
    const tall = roomFor(allFrames(film), width, text);
    const planes = maps[look.tensor];
    const tens = powerOf(planes.sums);
    const texts = order.map((from) => tileText(maps, look.tensor, from, tens));
    const label = `${WORDS[look.tensor]} at ${frame.name}: arrows from channel to channel, enter goes into one`;
    tiles.update({ maps, way: look.tensor, order, texts, width, text, room: tall, theme, label });
    power.textContent = tens === 0 ? "" : `sums ${factor(tens)}`;
    const reach = compact(planes.limit, 2);
    low.textContent = planes.limit ? `−${reach}` : "";
    high.textContent = planes.limit ? `+${reach}` : planes.limit === 0 ? "all zero" : reach;
    ramp.hidden = !planes.limit;
    count(clipped, total(planes.clipped), "beyond");
    count(broken, total(planes.broken), NOT_FINITE);
    ramp.classList.toggle("pointed", total(planes.clipped) > 0);
    scale.classList.remove("without");
  }

  function drawVector(
    { vector: held, order }: Extract<Seen, { kind: "vector" }>,
    { film, look, theme, names, frame: index }: AtlasView,
    { grid }: Frame,
  ) {
    const values = held[look.tensor];
    const at = look.unit?.frame === index ? look.unit.at : null;
    const picked = at && holds(grid, at) ? (at[0] ?? null) : null;
    const height = barsHeight(roomFor(allFrames(film), width, text), text);
    const quantity = WORDS[look.tensor];
    bars.update({ values, order, names, quantity, picked, width, height, theme });
    const wild = values.reduce((sum, value) => sum + (Number.isFinite(value) ? 0 : 1), 0);
    power.textContent = "";
    count(clipped, 0, "");
    count(broken, wild, NOT_FINITE);
    scale.classList.add("without");
  }

  function select({ look, frame: index }: AtlasView, frame: Frame) {
    if (seen?.kind !== "maps") return tiles.select(null);
    const { maps, order } = seen;
    const at = look.unit?.frame === index && holds(frame.grid, look.unit.at) ? look.unit.at : [];
    const [channel, down = 0, across = 0] = at;
    const tile = order.findIndex((from) => maps.shown[from] === channel);
    if (channel === undefined || tile < 0) return tiles.select(null);
    const row = Math.min(maps.height - 1, Math.floor(down / maps.block));
    const column = Math.min(maps.width - 1, Math.floor(across / maps.block));
    tiles.select({ tile, row, column });
  }

  function paint() {
    const frame = now();
    if (!view || !frame) return;
    // The first paint does not wait to be told how wide it is.
    if (width === 0) width = room.clientWidth || UNMEASURED;
    room.style.minHeight = `${roomFor(allFrames(view.film), width, text)}px`;
    draw(view, frame);
    select(view, frame);
    if (!reading.classList.contains("live")) read(null);
  }

  const stopFollowing = followSize(room, (measured, scale) => {
    if (Math.abs(measured - width) < 1 && scale === text) return;
    width = Math.floor(measured);
    text = scale;
    drawn = "";
    paint();
  });

  return {
    node,
    update(next: AtlasView) {
      const frame = frameAt(next.film, next.frame);
      if (!frame) return;
      const { tensor, sort: by, page, unit, level } = next.look;
      const stops = next.frame === 0 ? level : null;
      const key = JSON.stringify([next.frame, tensor, by, page, next.theme, unit, stops]);
      asked = questionOf(next, frame);
      const of = [next.film, frame, next.names, asked && next.more(asked)];
      const same = key === drawn && of.every((one, index) => one === drawnOf[index]);
      view = next;
      if (same) return;
      drawn = key;
      drawnOf = of;
      paint();
    },
    destroy() {
      clearTimeout(asking);
      voice.destroy();
      stopFollowing();
    },
  };
}

const NOTHING = "No bias has been gathered here yet. On the way to the input it enters here:";
const EMPTY = "Nothing is held at this step.";
const PENDING = "The numbers of this film have come; its tiles are on their way.";
const OFFLINE = "These channels are not kept in this page: it takes a kernel to see them.";

function byNumber({ shown }: Maps): number[] {
  return [...shown.keys()].sort((a, b) => (shown[a] ?? 0) - (shown[b] ?? 0));
}

function said(words: string): Seen {
  return { kind: "words", words, page: 0, pages: 1 };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, one) => sum + one, 0);
}

function count(node: HTMLElement, number: number, says: string) {
  node.hidden = number === 0;
  node.textContent = number === 0 ? "" : `${number} ${says}`;
}
