/** One place under the pointer, shared by pictures of different grain: fractions of height and width. */

import { el } from "../dom";
import type { Grid } from "../film";

export interface Place {
  down: number;
  across: number;
}

export interface Cell {
  row: number;
  column: number;
}

/** A part of the input, in fractions of its height and width. */
export interface Box {
  top: number;
  left: number;
  height: number;
  width: number;
}

export function cellAt({ down, across }: Place, { height, width }: Grid): Cell {
  return {
    row: Math.min(height - 1, Math.floor(down * height)),
    column: Math.min(width - 1, Math.floor(across * width)),
  };
}

/** Report the pointer over a picture; returns what stops it. */
export function followPointer(node: HTMLElement, onPlace: (place: Place | null) => void) {
  const move = (event: PointerEvent) => {
    const box = node.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) return;
    const down = Math.min(0.9999, Math.max(0, (event.clientY - box.top) / box.height));
    const across = Math.min(0.9999, Math.max(0, (event.clientX - box.left) / box.width));
    onPlace({ down, across });
  };
  const leave = () => onPlace(null);
  // The pointer reads by hovering: pressing must not take the keys away from the rail.
  const hold = (event: Event) => event.preventDefault();
  node.addEventListener("pointermove", move);
  node.addEventListener("pointerleave", leave);
  node.addEventListener("mousedown", hold);
  return () => {
    node.removeEventListener("pointermove", move);
    node.removeEventListener("pointerleave", leave);
    node.removeEventListener("mousedown", hold);
  };
}

const FAR = 10;

/** A picture in blocks of `block` × `block` of its pixels; the last ones may hang over the edge. */
export interface Blocks extends Grid {
  block: number;
}

export interface ProbeEvents {
  /** The blocks that the arrow keys walk through. */
  grid(): Blocks | null;
  /** By the keyboard: it is told, not only shown. */
  onPlace(place: Place | null): void;
}

/**
 * The same by keyboard: on a picture with the focus the arrow keys move the place by one block, with shift by
 * ten; Home and End go along the row. Escape leaves: the keys are then the widget's again, until Enter.
 */
export function followKeys(node: HTMLElement, { grid, onPlace }: ProbeEvents): () => void {
  let cell: Cell | null = null;
  let away = false;

  const show = ({ height, width, block }: Blocks) => {
    if (!cell) return;
    const within = (index: number, size: number) =>
      Math.max(0, Math.min(Math.ceil(size / block) - 1, index));
    const middle = (index: number, size: number) => {
      const from = index * block;
      return (from + Math.min(from + block, size)) / 2 / size;
    };
    cell = { row: within(cell.row, height), column: within(cell.column, width) };
    onPlace({ down: middle(cell.row, height), across: middle(cell.column, width) });
  };

  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const cells = grid();
    if (!cells) return;
    if (event.key === "Escape" ? !cell : away && event.key !== "Enter") return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      away = true;
      return leave();
    }
    const reach = event.shiftKey ? FAR : 1;
    const moves: Record<string, [number, number]> = {
      ArrowUp: [-reach, 0],
      ArrowDown: [reach, 0],
      ArrowLeft: [0, -reach],
      ArrowRight: [0, reach],
      Home: [0, -cells.width],
      End: [0, cells.width],
      Enter: [0, 0],
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    away = false;
    // The first key finds the middle of the picture.
    cell = cell ? { row: cell.row + move[0], column: cell.column + move[1] } : middleOf(cells);
    show(cells);
  };
  const arrive = () => {
    away = false;
  };
  const leave = () => {
    if (!cell) return;
    cell = null;
    onPlace(null);
  };
  node.addEventListener("keydown", press);
  node.addEventListener("focus", arrive);
  node.addEventListener("blur", leave);
  return () => {
    node.removeEventListener("keydown", press);
    node.removeEventListener("focus", arrive);
    node.removeEventListener("blur", leave);
  };
}

function middleOf({ height, width, block }: Blocks): Cell {
  const half = (size: number) => Math.floor(size / 2 / block);
  return { row: half(height), column: half(width) };
}

/** The little frame that marks the same pixel in every picture. */
export function marker() {
  const node = el("i", { class: "marker", hidden: true });
  return {
    node,
    show(place: Place | null, grid: Grid) {
      node.hidden = place === null;
      if (place === null) return;
      const { row, column } = cellAt(place, grid);
      // Never smaller than the eye can find: a pixel of a large picture is a dot on the screen.
      const size = Math.max(1 / Math.max(grid.width, grid.height), 0.045);
      node.style.left = `${((column + 0.5) / grid.width) * 100}%`;
      node.style.top = `${((row + 0.5) / grid.height) * 100}%`;
      node.style.width = `${size * 100}%`;
    },
  };
}

/** What one unit sees of the input. */
export function fieldMark() {
  const node = el("i", { class: "field", hidden: true });
  const part = (value: number) => Math.min(1, Math.max(0, value));
  return {
    node,
    show(box: Box | null) {
      node.hidden = box === null;
      if (box === null) return;
      const top = part(box.top);
      const left = part(box.left);
      node.style.top = `${top * 100}%`;
      node.style.left = `${left * 100}%`;
      node.style.height = `${(part(box.top + box.height) - top) * 100}%`;
      node.style.width = `${(part(box.left + box.width) - left) * 100}%`;
    },
  };
}
