/**
 * Many tiles on one canvas, with a grid of captions over it that the keyboard walks through.
 *
 * The bytes of all tiles go onto a sheet as they came, one under the other, and from there to their places:
 * one pass over the pixels and a few copies a step, and no element is made or dropped.
 */

import { palette, type Theme } from "../colour";
import { el, uniqueId } from "../dom";
import type { Maps, Way } from "../film";
import { boxOf, type Cell, cellIn, type Layout, layoutOf } from "./atlas-layout";

export interface TileText {
  number: string;
  figure: string;
  /** The figure to the last bit. */
  value: string;
  /** What is said after it, and not shown. */
  rest: string;
  broken: boolean;
  /** Whether something in it is larger than the colours reach. */
  clipped: boolean;
}

export interface BoardView {
  maps: Maps;
  way: Way;
  /** Tiles of `maps` in the order to draw them. */
  order: readonly number[];
  texts: readonly TileText[];
  width: number;
  /** What other steps need of height. */
  room: number;
  /** How much larger than usual text is. */
  text: number;
  theme: Theme;
  label: string;
}

export interface BoardEvents {
  /** A cell under the pointer or the keys, or none; in the order drawn. */
  onPoint(cell: Cell | null): void;
  onPick(cell: Cell): void;
  /** What to say of a cell that the keys have reached. */
  onReach(cell: Cell): void;
  /** The page after, or before: 1 or -1. */
  onTurn(by: number): void;
}

const STEPS: Record<string, [number, number]> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

export function board({ onPoint, onPick, onReach, onTurn }: BoardEvents) {
  const id = uniqueId("tile");
  const canvas = el("canvas", { "aria-hidden": "true" });
  const sheet = el("canvas");
  const grid = el("div", { class: "grid", role: "grid", tabindex: 0 });
  const spot = el("i", { class: "spot", hidden: true });
  const pick = el("i", { class: "spot picked", hidden: true });
  const node = el("div", { class: "board" }, canvas, grid, pick, spot);
  const pool: Tile[] = [];
  let image: ImageData | null = null;
  let view: BoardView | null = null;
  let layout: Layout | null = null;
  let arranged = "";
  let picked: Cell | null = null;
  /** The tile that the keys are on, and the cell once they have gone inside. */
  let at = 0;
  let inside: Cell | null = null;
  let pointer: { x: number; y: number } | null = null;

  function count(): number {
    return view?.order.length ?? 0;
  }

  function place(mark: HTMLElement, cell: Cell | null) {
    mark.hidden = cell === null || !view || !layout;
    if (!cell || !view || !layout) return;
    const box = boxOf(layout, view.maps, cell);
    mark.style.transform = `translate(${box.left}px, ${box.top}px)`;
    mark.style.width = `${box.width}px`;
    mark.style.height = `${box.height}px`;
  }

  function point(cell: Cell | null) {
    place(spot, cell);
    onPoint(cell);
  }

  /** Rows are for those who hear the grid: they change with the width only. */
  function arrange(next: Layout, tiles: number) {
    while (pool.length < tiles) pool.push(makeTile(`${id}-${pool.length}`));
    const key = `${next.columns} ${tiles}`;
    if (key === arranged) return;
    arranged = key;
    const rows = Array.from({ length: next.rows }, (_, row) => {
      const cells = pool.slice(row * next.columns, Math.min(tiles, (row + 1) * next.columns));
      return el("div", { role: "row" }, ...cells.map((tile) => tile.node));
    });
    grid.replaceChildren(...rows);
  }

  function paint({ maps, way, order, theme }: BoardView, { columns, tile, pitch }: Layout) {
    const { height, width } = maps;
    const tall = height * maps.shown.length;
    const brush = sheet.getContext("2d");
    const context = canvas.getContext("2d");
    if (!brush || !context || tall === 0 || width === 0) return;
    if (!image || image.width !== width || image.height !== tall) {
      sheet.width = width;
      sheet.height = tall;
      image = brush.createImageData(width, tall);
    }
    const codes = maps[way].tiles;
    const colours = palette(theme);
    const pixels = new Uint32Array(image.data.buffer);
    for (let index = 0; index < pixels.length; index += 1) {
      pixels[index] = colours[codes[index] ?? 0] ?? 0;
    }
    brush.putImageData(image, 0, 0);
    const dense = Math.max(1, globalThis.devicePixelRatio || 1);
    const across = Math.round((columns * pitch.across - 10) * dense);
    const down = Math.round(Math.ceil(order.length / columns) * pitch.down * dense);
    if (canvas.width !== across) canvas.width = across;
    if (canvas.height !== down) canvas.height = down;
    canvas.style.width = `${across / dense}px`;
    canvas.style.height = `${down / dense}px`;
    context.clearRect(0, 0, across, down);
    context.imageSmoothingEnabled = tile.width * dense < width;
    order.forEach((from, index) => {
      const x = Math.round((index % columns) * pitch.across * dense);
      const y = Math.round(Math.floor(index / columns) * pitch.down * dense);
      const [w, h] = [Math.round(tile.width * dense), Math.round(tile.height * dense)];
      context.drawImage(sheet, 0, from * height, width, height, x, y, w, h);
    });
  }

  function caption(next: BoardView) {
    next.texts.forEach((text, index) => {
      const tile = pool[index];
      if (!tile) return;
      tile.number.textContent = text.number;
      tile.figure.textContent = text.figure;
      tile.figure.dataset.value = text.value;
      tile.figure.title = text.value;
      // What is seen stands in it as it is seen, for those who speak to the page.
      tile.node.setAttribute(
        "aria-label",
        `sum of channel ${text.number}, ${text.figure}${text.rest}`,
      );
      tile.node.classList.toggle("wild", text.broken);
      tile.node.classList.toggle("beyond", text.clipped);
    });
  }

  function mark() {
    pool.forEach((tile, index) => {
      tile.node.classList.toggle("active", index === at);
      tile.node.setAttribute("aria-selected", String(index === picked?.tile));
    });
    if (count() > 0) grid.setAttribute("aria-activedescendant", `${id}-${at}`);
    else grid.removeAttribute("aria-activedescendant");
    grid.classList.toggle("inside", inside !== null);
  }

  function hit(event: MouseEvent): Cell | null {
    if (!view || !layout) return null;
    const box = node.getBoundingClientRect();
    pointer = { x: event.clientX - box.left, y: event.clientY - box.top };
    return cellIn(layout, view.maps, count(), pointer.x, pointer.y);
  }

  const move = (event: PointerEvent) => {
    inside = null;
    point(hit(event));
  };
  const leave = () => {
    pointer = null;
    point(inside);
  };
  const click = (event: MouseEvent) => {
    const cell = hit(event);
    if (!cell) return;
    at = cell.tile;
    mark();
    onPick(cell);
  };

  function walkTiles(key: string): boolean {
    const step = STEPS[key];
    const columns = layout?.columns ?? 1;
    const last = count() - 1;
    if (step) {
      const to = at + step[0] * columns + step[1];
      if (to >= 0 && to <= last) at = to;
    } else if (key === "Home") at = 0;
    else if (key === "End") at = last;
    else if (key === "Enter" && view) {
      const { height, width } = view.maps;
      inside =
        picked?.tile === at
          ? { ...picked }
          : { tile: at, row: Math.floor(height / 2), column: Math.floor(width / 2) };
      point(inside);
      onReach(inside);
    } else return false;
    return true;
  }

  function walkCells(key: string, cell: Cell, { height, width }: Maps): boolean {
    const step = STEPS[key];
    if (key === "Enter") onPick(cell);
    else if (key === "Escape") {
      inside = null;
      point(null);
    } else if (step || key === "Home" || key === "End") {
      const [down, across] = step ?? [0, key === "Home" ? -width : width];
      const row = Math.min(height - 1, Math.max(0, cell.row + down));
      const column = Math.min(width - 1, Math.max(0, cell.column + across));
      inside = { tile: cell.tile, row, column };
      point(inside);
      onReach(inside);
    } else return false;
    return true;
  }

  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !view || count() === 0) return;
    const turn = { PageDown: 1, PageUp: -1 }[event.key];
    if (turn !== undefined) onTurn(turn);
    const used =
      turn !== undefined
        ? true
        : inside
          ? walkCells(event.key, inside, view.maps)
          : walkTiles(event.key);
    if (!used) return;
    event.preventDefault();
    event.stopPropagation();
    mark();
  });
  grid.addEventListener("focusout", () => {
    if (!inside) return;
    inside = null;
    mark();
    point(null);
  });
  node.addEventListener("pointermove", move);
  node.addEventListener("pointerleave", leave);
  node.addEventListener("click", click);

  return {
    node,
    update(next: BoardView) {
      const other = next.maps !== view?.maps;
      view = next;
      layout = layoutOf(next.width, next.order.length, next.maps, next.room, next.text);
      grid.style.setProperty("--bbp-columns", String(layout.columns));
      grid.style.setProperty("--bbp-cell", `${layout.pitch.across - 10}px`);
      grid.style.setProperty("--bbp-tile-width", `${layout.tile.width}px`);
      grid.style.setProperty("--bbp-tile-height", `${layout.tile.height}px`);
      grid.style.setProperty("--bbp-caption", `${layout.caption}px`);
      grid.setAttribute("aria-label", next.label);
      arrange(layout, next.order.length);
      paint(next, layout);
      caption(next);
      at = Math.min(at, Math.max(0, next.order.length - 1));
      if (inside) inside = clamped(inside, next);
      mark();
      if (!other) return;
      // The pointer has not moved, but what lies under it has changed.
      if (pointer) point(cellIn(layout, next.maps, count(), pointer.x, pointer.y));
      else if (inside) point(inside);
    },
    select(cell: Cell | null) {
      picked = cell;
      place(pick, cell);
      mark();
    },
    /** The board is put away: nothing is under the pointer any more. */
    clear() {
      if (!spot.hidden) point(null);
      pointer = null;
      inside = null;
    },
  };
}

function clamped(cell: Cell, { order, maps }: BoardView): Cell | null {
  if (cell.tile >= order.length) return null;
  const row = Math.min(maps.height - 1, cell.row);
  return { tile: cell.tile, row, column: Math.min(maps.width - 1, cell.column) };
}

interface Tile {
  node: HTMLElement;
  number: HTMLElement;
  figure: HTMLElement;
}

/** A tile is heard as a sentence, of which only the figures are seen: every element more is laid out at every step. */
function makeTile(id: string): Tile {
  const number = el("span", { class: "number" });
  const figure = el("b");
  const attributes = { class: "tile", role: "gridcell", id, "aria-selected": "false" };
  const node = el("div", attributes, el("i", { class: "face" }), number, " ", figure);
  return { node, number, figure };
}
