/** A signal explained: its values, and each part of the answer as bars along the same positions. */

import type { Theme } from "../colour";
import { el, followSize } from "../dom";
import { signed } from "../figures";
import type { Film, Frame, SignalInput } from "../film";
import type { Planes } from "../planes";
import type { Part } from "./gallery-shown";
import { type Box, cellAt, type Place, type ProbeEvents } from "./pointer";
import { laneName, signalInput } from "./signal-input";
import { signalTrace } from "./signal-trace";

export interface SignalsView {
  film: Film;
  input: SignalInput;
  frame: Frame;
  planes: Planes;
  /** The rows of bars. */
  parts: Part[];
  joined: boolean;
  theme: Theme;
  across: boolean;
  bare: boolean;
  box: Box | null;
}

export interface SignalsEvents {
  onHover(place: Place | null): void;
  onClick(place: Place): void;
  keys: Omit<ProbeEvents, "grid">;
  onChoose(part: number): void;
}

/** How wide a row is where nothing can be measured, and how high: of one lane, of the least of many. */
const UNMEASURED = 640;
const TALL = 72;
const LEAST = 24;
/** Of all lanes of a row together. */
const MOST = 192;
/** With more rows than these, or with lanes, rows stand in two columns where there is room. */
const FEW = 4;
const ROOM = 560;

export function signals({ onHover, onClick, keys, onChoose }: SignalsEvents) {
  const given = signalInput({
    onHover,
    onClick,
    keys: {
      ...keys,
      // Blocks are along the line only: a lane is always one.
      grid: () =>
        view && {
          height: view.planes.fine.height * view.planes.block,
          width: view.planes.fine.width,
          block: view.planes.block,
        },
    },
  });
  const node = el("div", { class: "bbp-signals" }, given.node);
  const rows: ReturnType<typeof signalTrace>[] = [];
  let view: SignalsView | null = null;
  let width = UNMEASURED;
  let scale = 1;
  const stopWidth = followSize(node, (next, text) => {
    if (Math.round(next) === width && text === scale) return;
    width = Math.round(next);
    scale = text;
    if (view) draw(view);
  });

  function draw(next: SignalsView) {
    const { film, input, frame, planes, parts, joined, theme, across, bare, box } = next;
    const { fine, block } = planes;
    const lanes = fine.height;
    const two = width >= ROOM * scale && (lanes > 1 || parts.length + 1 > FEW);
    node.classList.toggle("two", two);
    const size = {
      width: two ? Math.floor((width - 16) / 2) : width,
      height: lanes === 1 ? TALL : lanes * Math.max(LEAST, Math.min(TALL / 1.5, MOST / lanes)),
    };
    const rest = { joined, theme, across, bare, box, ...size };
    given.update({ film, input, frame, fine, block, ...rest });
    while (rows.length < parts.length) {
      const part = rows.length;
      const row = signalTrace({ onHover, onClick, onChoose: () => onChoose(part) });
      rows.push(row);
      node.append(row.node);
    }
    rows.forEach((row, index) => {
      const part = parts[index];
      row.node.hidden = part === undefined;
      if (!part) return;
      row.update({ ...part, fine, block, input, theme, ...size });
      row.frame(box);
    });
  }

  return {
    node,
    update(next: SignalsView) {
      view = next;
      draw(next);
    },
    pick: given.pick,
    focus: given.focus,
    read(place: Place | null) {
      given.read(place);
      for (const row of rows) row.read(place);
    },
    /** "position 12", "positions 8–11, channel 1", or the name of either. */
    placeText(place: Place): string {
      if (!view) return "";
      const { input, planes } = view;
      const { row, column } = cellAt(place, planes.fine);
      const first = Math.floor(column / planes.block) * planes.pixels;
      const last = Math.min(input.length, first + planes.pixels) - 1;
      const name = planes.pixels === 1 ? input.names?.[first] : undefined;
      const number = first === last ? `position ${first}` : `positions ${first}–${last}`;
      const where = name === undefined ? number : `${number}, ${name}`;
      return planes.fine.height > 1 ? `${where}, ${laneName(input, row)}` : where;
    },
    spoken(place: Place): string {
      const shown = rows.filter((row) => !row.node.hidden);
      return shown.map((row) => `${row.name()} ${signed(row.at(place))}`).join(", ");
    },
    destroy() {
      stopWidth();
      given.destroy();
      for (const row of rows) row.destroy();
    },
  };
}
