/** Where the tiles of an atlas stand, in whole pixels: plain numbers, decided without a canvas. */

import type { Frame, Grid } from "../film";

/** Channels of a page of the kernel's; a film of a large network has room for fewer. */
export const PAGE = 24;

export interface Layout {
  columns: number;
  rows: number;
  /** One tile as it is drawn. */
  tile: Grid;
  /** From one tile to the next, the caption and the gap with it. */
  pitch: { down: number; across: number };
  /** What stands under a tile. */
  caption: number;
  height: number;
}

const GAP = { down: 7, across: 10 };
/** A tile and its caption need so much, or the caption runs into its neighbour's. */
const LEAST = 54;
const MOST_COLUMNS = 12;
/** Few channels are drawn larger, as far as the room goes that other steps need anyway: not as posters. */
const FEWEST_COLUMNS = 6;
const LARGEST = 3;
const LOWEST = 14;
const CAPTION = 17;

/** A strip of bars takes what the tiles of other steps take, less the names of the largest under it. */
const BARS = { least: 72, most: 168, names: 102 };

export function barsHeight(room: number, text = 1): number {
  return Math.max(BARS.least, Math.min(BARS.most, room - BARS.names * text));
}

/** Tiles in even rows, as much wider as their text is larger; where there is more room than they need, fewer columns and larger tiles. */
export function layoutOf(width: number, count: number, grid: Grid, room = 0, text = 1): Layout {
  let layout = inColumns(width, count, grid, columnsFor(width, count, text), text);
  for (let columns = layout.columns - 1; columns >= LARGEST; columns -= 1) {
    const larger = inColumns(width, count, grid, columns, text);
    if (larger.height > room) break;
    layout = larger;
  }
  return layout;
}

function columnsFor(width: number, count: number, text: number): number {
  const fit = Math.floor((width + GAP.across) / (LEAST * text + GAP.across));
  const most = Math.max(2, Math.min(MOST_COLUMNS, fit));
  // Rows of like length: 24 in three rows of eight rather than nine, nine and six.
  const even = Math.ceil(count / Math.ceil(Math.max(1, count) / most));
  return Math.max(even, Math.min(most, Math.ceil(FEWEST_COLUMNS / text)));
}

function inColumns(
  width: number,
  count: number,
  { height, width: across }: Grid,
  columns: number,
  text: number,
): Layout {
  const room = Math.max(8, Math.floor((width - GAP.across * (columns - 1)) / columns));
  const ratio = height / Math.max(1, across);
  // Tall tiles keep to a square's height, flat ones stay thick enough to point at.
  const tile = {
    height: Math.max(LOWEST, Math.round(Math.min(room, room * ratio))),
    width: ratio > 1 ? Math.max(8, Math.round(room / ratio)) : room,
  };
  const rows = Math.ceil(count / columns);
  const caption = Math.round(CAPTION * text);
  const pitch = { down: tile.height + caption + GAP.down, across: room + GAP.across };
  return { columns, rows, tile, pitch, caption, height: Math.max(0, rows * pitch.down - GAP.down) };
}

/** The height that the tallest step of a film needs: the page below must not jump while stepping. */
export function roomFor(frames: readonly Frame[], width: number, text = 1): number {
  const heights = frames.map(({ tensor }) => {
    if (tensor.kind === "maps") return layoutOf(width, tensor.shown.length, tensor, 0, text).height;
    if (tensor.kind === "vector") return BARS.least + BARS.names * text;
    return tensor.kind === "pending"
      ? layoutOf(width, 24, { height: 1, width: 1 }, 0, text).height
      : 0;
  });
  return Math.max(64, ...heights);
}

export interface Cell {
  /** Which tile, in the order drawn. */
  tile: number;
  row: number;
  column: number;
}

/** The cell at a point of the board; null between tiles and on captions. */
export function cellIn(
  layout: Layout,
  grid: Grid,
  count: number,
  x: number,
  y: number,
): Cell | null {
  const column = Math.floor(x / layout.pitch.across);
  const row = Math.floor(y / layout.pitch.down);
  const across = x - column * layout.pitch.across;
  const down = y - row * layout.pitch.down;
  const tile = row * layout.columns + column;
  const outside = column < 0 || row < 0 || column >= layout.columns || tile >= count;
  if (outside || across >= layout.tile.width || down >= layout.tile.height) return null;
  return {
    tile,
    row: Math.min(grid.height - 1, Math.floor((down / layout.tile.height) * grid.height)),
    column: Math.min(grid.width - 1, Math.floor((across / layout.tile.width) * grid.width)),
  };
}

/** A cell as a box on the board, never smaller than the eye can find. */
export function boxOf(layout: Layout, grid: Grid, cell: Cell) {
  const left = (cell.tile % layout.columns) * layout.pitch.across;
  const top = Math.floor(cell.tile / layout.columns) * layout.pitch.down;
  const width = Math.max(5, layout.tile.width / grid.width);
  const height = Math.max(5, layout.tile.height / grid.height);
  return {
    left: left + ((cell.column + 0.5) / grid.width) * layout.tile.width - width / 2,
    top: top + ((cell.row + 0.5) / grid.height) * layout.tile.height - height / 2,
    width,
    height,
  };
}
