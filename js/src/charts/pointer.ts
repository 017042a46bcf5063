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
  node.addEventListener("pointermove", move);
  node.addEventListener("pointerleave", leave);
  return () => {
    node.removeEventListener("pointermove", move);
    node.removeEventListener("pointerleave", leave);
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
