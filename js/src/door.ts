/**
 * Where the widgets of one page find one another, so that a lesson turns its explorer without asking a kernel.
 *
 * Each widget's module is imported by itself, so what they share hangs on the page.
 */

import type { Film } from "./film";
import type { Look } from "./look";
import type { Picking } from "./pixels";

/** One view of an explorer, as other widgets of the page may use it. */
export interface Door {
  readonly node: HTMLElement;
  look(): Look;
  film(): Film | null;
  change(look: Partial<Look>, passing?: boolean): void;
  /** Have pixels picked in its pictures, by click and by keys; null ends that. */
  pick(picking: Picking | null): void;
  /** Give the keys to its pictures; whether that is possible. */
  focusPictures(): boolean;
  /** Call back when it shows something else; returns what stops it. */
  follow(onChange: () => void): () => void;
}

interface Doors {
  open: Map<string, Set<Door>>;
  waiting: Set<() => void>;
}

const NAME = Symbol.for("bbp_widgets.doors");

function doors(): Doors {
  const page = globalThis as unknown as Record<symbol, Doors | undefined>;
  const known = page[NAME];
  if (known) return known;
  const made: Doors = { open: new Map(), waiting: new Set() };
  page[NAME] = made;
  return made;
}

/** Let others find this view; returns what closes the door again. */
export function openDoor(key: string, door: Door): () => void {
  const { open, waiting } = doors();
  const known = open.get(key) ?? new Set<Door>();
  open.set(key, known.add(door));
  for (const tell of [...waiting]) tell();
  return () => {
    known.delete(door);
    if (known.size === 0 && open.get(key) === known) open.delete(key);
    for (const tell of [...waiting]) tell();
  };
}

/** Of the views with this key, the one that stands nearest: the same explorer may be shown twice. */
export function nearestDoor(key: string, from: Node): Door | null {
  let best: Door | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const door of doors().open.get(key) ?? []) {
    const far = heightOver(from, door.node);
    if (far < least || best === null) {
      best = door;
      least = far;
    }
  }
  return best;
}

/** Call back whenever a door opens or closes; returns what stops it. */
export function followDoors(onChange: () => void): () => void {
  const { waiting } = doors();
  waiting.add(onChange);
  return () => waiting.delete(onChange);
}

/** How far up from one node the first that holds both is. */
function heightOver(from: Node, other: Node): number {
  let height = 0;
  for (let node: Node | null = from; node; node = node.parentNode) {
    if (node.contains(other)) return height;
    height += 1;
  }
  return Number.POSITIVE_INFINITY;
}
