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

/** Where in a picture the pointer is; null where the picture has no size. */
function placeUnder(node: HTMLElement, event: MouseEvent): Place | null {
  const box = node.getBoundingClientRect();
  if (box.width === 0 || box.height === 0) return null;
  const part = (value: number) => Math.min(0.9999, Math.max(0, value));
  return {
    down: part((event.clientY - box.top) / box.height),
    across: part((event.clientX - box.left) / box.width),
  };
}

/** Report the pointer over a picture, and where it clicks; returns what stops it. */
export function followPointer(
  node: HTMLElement,
  onPlace: (place: Place | null) => void,
  onClick: (place: Place) => void,
) {
  const move = (event: PointerEvent) => {
    const place = placeUnder(node, event);
    if (place) onPlace(place);
  };
  const click = (event: MouseEvent) => {
    const place = placeUnder(node, event);
    if (place) onClick(place);
  };
  const leave = () => onPlace(null);
  // The pointer reads by hovering: pressing must not take the keys away from the rail.
  const hold = (event: Event) => event.preventDefault();
  node.addEventListener("pointermove", move);
  node.addEventListener("pointerleave", leave);
  node.addEventListener("mousedown", hold);
  node.addEventListener("click", click);
  return () => {
    node.removeEventListener("pointermove", move);
    node.removeEventListener("pointerleave", leave);
    node.removeEventListener("click", click);
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
  /** Enter on a place: whether somebody took it. */
  onEnter(place: Place): boolean;
  /** Escape: whether somebody took the keys. */
  onEscape(): boolean;
  /** Where the first key begins; null in the middle. */
  start(): Place | null;
}

/**
 * The same by keyboard: on a picture with the focus the arrow keys move the place by one block, with shift by
 * ten; Home and End go along the row. Escape leaves: the keys are then the widget's again, until Enter.
 */
export function followKeys(
  node: HTMLElement,
  { grid, onPlace, onEnter, onEscape, start }: ProbeEvents,
): () => void {
  let cell: Cell | null = null;
  let away = false;

  const placeOf = ({ row, column }: Cell, { height, width, block }: Blocks): Place => {
    const middle = (index: number, size: number) => {
      const from = index * block;
      return (from + Math.min(from + block, size)) / 2 / size;
    };
    return { down: middle(row, height), across: middle(column, width) };
  };
  const within = ({ row, column }: Cell, { height, width, block }: Blocks): Cell => {
    const part = (index: number, size: number) =>
      Math.max(0, Math.min(Math.ceil(size / block) - 1, index));
    return { row: part(row, height), column: part(column, width) };
  };

  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const cells = grid();
    if (!cells) return;
    if (event.key === "Escape") {
      if (!onEscape() && !cell) return;
      event.preventDefault();
      event.stopPropagation();
      away = true;
      return leave();
    }
    if (away && event.key !== "Enter") return;
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
    if (cell && event.key === "Enter" && onEnter(placeOf(cell, cells))) return;
    // The first key finds the place to begin at.
    const next = cell
      ? { row: cell.row + move[0], column: cell.column + move[1] }
      : blockAt(start(), cells);
    cell = within(next, cells);
    onPlace(placeOf(cell, cells));
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

function blockAt(place: Place | null, { height, width, block }: Blocks): Cell {
  const { down, across } = place ?? { down: 0.5, across: 0.5 };
  return {
    row: Math.floor((down * height) / block),
    column: Math.floor((across * width) / block),
  };
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
