/** One input of the network: what it is, what moves over it, the two parts of the answer and their sum. */

import type { Theme } from "../colour";
import { el } from "../dom";
import { signed } from "../figures";
import type { Film, Frame } from "../film";
import { type Look, MOST_LANES, type OnLook } from "../look";
import { placeOfPixel } from "../pixels";
import type { Planes } from "../planes";
import { featureBars } from "./feature-bars";
import { DIFFERENCE, FIRST_LANE, holder, partsOf, type Shown, shownOf } from "./gallery-shown";
import { picture } from "./picture";
import { type Box, cellAt, type Place } from "./pointer";
import { signals } from "./signals";
import { signedMap } from "./signed-map";

export interface PaneView {
  /** The active lane's film, or another while that is on its way. */
  film: Film;
  films: (Film | null)[];
  look: Look;
  frame: Frame;
  /** The number of the frame that the input itself has. */
  entry: number;
  theme: Theme;
  box: Box | null;
  /** The step is not on the way to this input: nothing of it lies over it. */
  bare: boolean;
  /** The attributions lie over the input as well. */
  laid: boolean;
  /** The largest limit of all panes. */
  all: number;
  /** What the input is called, where there are several. */
  title: string;
}

export interface PaneEvents {
  onLook: OnLook;
  /** A place is read, or none any more. */
  onRead(text: string): void;
  onSay(text: string): void;
  /** A place was pressed; whether somebody took it. */
  onPick(place: Place, by: "pointer" | "keys"): boolean;
  /** Whether somebody took the keys. */
  onEscape(): boolean;
}

export function pane({ onLook, onRead, onSay, onPick, onEscape }: PaneEvents) {
  const read = (place: Place | null) => {
    for (const one of [input, ...maps, lines]) one.read(place);
    onRead(place === null ? "" : placeText(place));
  };
  const click = (place: Place) => void onPick(place, "pointer");
  const keys = {
    start: () => view && placeOfPixel(view.film, view.look.unit, view.entry),
    onPlace(place: Place | null) {
      read(place);
      if (place !== null) onSay(spoken(place));
    },
    onEnter(place: Place) {
      const taken = onPick(place, "keys");
      if (taken) onSay(`picked ${placeText(place)}`);
      return taken;
    },
    onEscape,
  };
  const input = picture({
    onHover: read,
    onClick: click,
    keys: { ...keys, grid: () => planes && { ...planes.fine, block: planes.block } },
  });
  const maps = Array.from({ length: DIFFERENCE + 1 }, (_, place) => {
    const lane = place - FIRST_LANE;
    const isLane = lane >= 0 && lane < MOST_LANES;
    const choosing = isLane ? { onChoose: () => onLook({ lane }) } : {};
    return signedMap({ onHover: read, onClick: click, ...choosing });
  });
  const chooseBars = (part: number) =>
    onLook({ lane: (shown[part]?.place ?? FIRST_LANE) - FIRST_LANE });
  const features = featureBars({ onChoose: chooseBars });
  // In its place once there is a signal.
  const lines = signals({ onHover: read, onClick: click, keys, onChoose: chooseBars });
  const title = el("h4", { class: "pane-title" });
  const row = el("div", { class: "pictures" }, input.node, ...maps.map(({ node }) => node));
  const node = el("div", { class: "bbp-pane" }, title, row, features.node);
  const hold = holder();
  let view: PaneView | null = null;
  let shown: Shown[] = [];
  let drawn: unknown[] = [];
  let planes: Planes | null = null;

  function draw(next: PaneView) {
    const { film, films, look, frame, theme, box, bare, laid, all } = next;
    const { kind } = film.input;
    const across = look.scale === "step";
    if (film.input.kind === "picture") {
      input.update({ film, input: film.input, frame, theme, across, bare, box });
      for (const map of maps) map.frame(box);
    }
    // Pictures change with the films and the choices only: stepping repaints nothing but the overlay.
    for (const one of [row, lines.node]) {
      one.style.setProperty("--bbp-blend", String(look.overlay));
    }
    const { lane, lanes, difference, scale, grain, channels } = look;
    const now = [...films, lane, lanes, difference, scale, grain, channels, theme, laid, all];
    if (now.length === drawn.length && now.every((one, index) => one === drawn[index])) {
      if (kind === "signal") drawLines(next);
      return;
    }
    drawn = now;
    title.hidden = next.title === "";
    title.textContent = next.title;
    row.hidden = kind !== "picture";
    features.node.hidden = kind !== "vector";
    lines.node.hidden = kind !== "signal";
    if (kind === "signal" && !lines.node.isConnected) features.node.after(lines.node);
    planes = partsOf(film, look);
    shown = hold(shownOf(film, films, look), film, look, planes.fine.height, all);
    if (kind === "picture") drawMaps(next);
    else if (kind === "signal") drawLines(next);
    else drawFeatures(next);
  }

  function drawMaps({ film, theme, laid }: PaneView) {
    if (!planes || film.input.kind !== "picture") return;
    const { fine, block } = planes;
    const under = laid && film.input.rgb ? film.input : null;
    for (const map of maps) map.node.hidden = true;
    for (const { place, kind: _, ...one } of shown) {
      const map = maps[place];
      if (!map) continue;
      map.node.hidden = false;
      map.update({ ...one, fine, block, theme, under });
    }
    const count = shown.length + 1;
    row.style.setProperty("--bbp-columns", String(columnsFor(count, 5)));
    row.style.setProperty("--bbp-few-columns", String(columnsFor(count, 4)));
    row.classList.toggle("many", columnsFor(count, 5) === 5);
  }

  function drawFeatures({ film }: PaneView) {
    if (film.input.kind !== "vector" || !planes) return;
    const parts = shown.map(({ name, says, plane, limits, sum, chosen }) => ({
      name,
      says,
      values: plane?.values ?? null,
      limit: limits.limit,
      sum,
      chosen,
    }));
    features.update({ input: film.input, parts, order: planes.total.values });
  }

  function drawLines({ film, look, frame, theme, bare, box }: PaneView) {
    if (!planes || film.input.kind !== "signal") return;
    const across = look.scale === "step";
    const joined = planes.fine.height < film.input.height;
    const parts = shown;
    const rest = { joined, theme, across, bare, box };
    lines.update({ film, input: film.input, frame, planes, parts, ...rest });
  }

  /** The pixel or the block that the figures above the pictures belong to. */
  function placeText(place: Place): string {
    if (!planes) return "";
    const where = lines.node.hidden ? pixelText(place, planes) : lines.placeText(place);
    return view?.title ? `${view.title}, ${where}` : where;
  }

  function spoken(place: Place): string {
    const seen = maps.filter((map) => !map.node.hidden);
    const figures = lines.node.hidden
      ? seen.map((map) => `${map.name()} ${signed(map.at(place))}`).join(", ")
      : lines.spoken(place);
    return `${placeText(place)}: ${figures}`;
  }

  return {
    node,
    /** What a figure is about: a pixel, a block of them, a position, a feature. */
    unitText(): string {
      const pixels = planes?.pixels ?? 1;
      if (!row.hidden) {
        return pixels === 1 ? "pixel" : `block of ${pixels} × ${pixels} px`;
      }
      if (lines.node.hidden) return "feature";
      return pixels === 1 ? "position" : `${pixels} positions`;
    },
    /** Say what the keys are for. */
    pick(picking: boolean) {
      for (const one of [input, lines]) one.pick(picking);
    },
    /** Give the keys to the pictures; whether that is possible. */
    focus: () => (row.hidden ? lines.focus() : input.focus()),
    update(next: PaneView) {
      view = next;
      draw(next);
    },
    destroy() {
      input.destroy();
      for (const map of maps) map.destroy();
      features.destroy();
      lines.destroy();
    },
  };
}

function pixelText(place: Place, { fine, block, pixels }: Planes): string {
  const { row, column } = cellAt(place, fine);
  if (pixels === 1) return `row ${row}, column ${column}`;
  const from = (index: number) => Math.floor(index / block) * pixels;
  const span = (index: number) => `${from(index)}–${from(index) + pixels - 1}`;
  return `rows ${span(row)}, columns ${span(column)}`;
}

/** Pictures in a row: as many as there are up to five, and two even rows beyond. */
function columnsFor(count: number, most: number): number {
  return count <= most ? count : Math.ceil(count / 2);
}
