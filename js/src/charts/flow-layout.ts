/**
 * Where boxes and ribbons of the flow stand, as plain numbers: no element is made here.
 *
 * Columns are longest paths from the input, so every ribbon runs leftward; one that skips columns gets a place
 * in each of them, or it would run through a box. Order inside a column is by barycentre.
 */

import type { BoxGraph } from "./flow-boxes";
import { textWidth } from "./rail-layout";

export const BAR = 12;
const TALLEST = 132;
const GAP = 14;
const NAME = 16;
const MARGIN = 44;
/** Columns closer than this are scrolled instead. */
const TIGHTEST = 44;
const HAIR = 0.75;
const SWEEPS = 12;

export interface PlacedBox {
  /** Index in the graph. */
  box: number;
  column: number;
  x: number;
  y: number;
  height: number;
  label: { text: string; x: number; y: number; leader: string | null } | null;
  /** The tributary: its width at the box, and where its foot stands. */
  own: { width: number; y: number; reach: number; figure: { x: number; y: number } | null } | null;
  /** What is unshared leaves upward, so wide. */
  unshared: number;
}

export interface PlacedRibbon {
  ribbon: number;
  width: number;
  path: string;
}

export interface PlacedBrace {
  path: string;
  opened: number;
  from: number;
  to: number;
  y: number;
  label: string;
}

export interface FlowLayout {
  width: number;
  height: number;
  boxes: PlacedBox[];
  ribbons: PlacedRibbon[];
  braces: PlacedBrace[];
  /** Pixels for one target unit. */
  scale: number;
}

/** A box, or the place that a long ribbon takes in a column. */
interface Slot {
  box: number | null;
  column: number;
  thick: number;
  above: number;
  below: number;
  y: number;
  before: Link[];
  after: Link[];
}

/** A ribbon's piece between two neighbouring columns: `right` hands on to `left`. */
interface Link {
  right: Slot;
  left: Slot;
  width: number;
  yRight: number;
  yLeft: number;
}

export function columnsOf({ boxes, ribbons }: BoxGraph): number[] {
  const onward: number[][] = boxes.map(() => []);
  for (const { from, to } of ribbons) onward[from]?.push(to);
  const columns = new Array<number>(boxes.length).fill(-1);
  const reach = (start: number) => {
    const path = [start];
    while (path.length > 0) {
      const at = path[path.length - 1] as number;
      const open = (onward[at] ?? []).filter((to) => columns[to] === -1);
      if (open.length > 0) {
        path.push(...open);
        continue;
      }
      path.pop();
      columns[at] = Math.max(-1, ...(onward[at] ?? []).map((to) => columns[to] ?? -1)) + 1;
    }
  };
  boxes.forEach((_, index) => {
    if (columns[index] === -1) reach(index);
  });
  return columns;
}

export function layOutFlow(graph: BoxGraph, room: number, figures: string[]): FlowLayout {
  const columns = columnsOf(graph);
  const count = Math.max(1, ...columns.map((column) => column + 1));
  const gap = count > 1 ? Math.max(TIGHTEST, (room - 2 * MARGIN - BAR) / (count - 1)) : 0;
  const width = Math.max(room, Math.ceil(2 * MARGIN + BAR + gap * (count - 1)));
  const scale = scaleOf(graph, columns, count);
  const labelled = largestOwn(graph, figures, gap);
  const { slots, chains } = slotsOf(graph, columns, scale, labelled);
  const perColumn = arrange(slots, count);
  const stacked = perColumn.map((column) => stackHeight(column));
  const height = Math.max(120, ...stacked);
  settle(perColumn, height);
  const low = Math.min(...slots.map(({ y, above }) => y - above));
  // Crowded columns need a second row of names.
  const head = gap < 70 ? 26 : 6;
  for (const slot of slots) slot.y += head - low;
  const high = Math.max(...slots.map(({ y, thick, below }) => y + thick + below));
  joinPorts(slots);
  const xOf = (column: number) => MARGIN + column * gap;
  const boxes = slots.flatMap((slot): PlacedBox[] => {
    const box = slot.box === null ? undefined : graph.boxes[slot.box];
    if (!box || slot.box === null) return [];
    const own = Math.abs(box.own) * scale;
    const x = xOf(slot.column);
    const y = slot.y + slot.thick;
    const reach = Math.min(own + 6, gap > 0 ? gap * 0.5 : 30);
    const figure = labelled.has(slot.box) ? { x: x + BAR + reach * 0.6, y: y + 25 } : null;
    return [
      {
        box: slot.box,
        column: slot.column,
        x,
        y: slot.y,
        height: slot.thick,
        label: null,
        own: box.own === 0 ? null : { width: Math.max(own, HAIR), y: y + 12, reach, figure },
        unshared: Math.abs(box.unshared) * scale,
      },
    ];
  });
  nameBoxes(boxes, graph, gap, width);
  const braces = bracesOf(graph, boxes, high + 8);
  const foot = Math.max(high, ...braces.map(({ y }) => y + 18)) + 6;
  const ribbons = chains.map(({ ribbon, links }): PlacedRibbon => {
    const width = links[0]?.width ?? HAIR;
    return { ribbon, width, path: through(links, xOf) };
  });
  return { width, height: foot, boxes, ribbons, braces, scale };
}

/** The tallest column fills the height; with nothing anywhere every ribbon is a hair. */
function scaleOf({ boxes, ribbons }: BoxGraph, columns: number[], count: number): number {
  const load = new Array<number>(count).fill(0);
  boxes.forEach((box, index) => {
    const column = columns[index] ?? 0;
    const { before, after } = sidesOf(index, ribbons);
    load[column] = (load[column] ?? 0) + Math.max(before + Math.abs(box.own), after);
  });
  for (const { from, to, net } of ribbons) {
    for (let column = (columns[to] ?? 0) + 1; column < (columns[from] ?? 0); column += 1) {
      load[column] = (load[column] ?? 0) + Math.abs(net);
    }
  }
  const most = Math.max(...load);
  return most > 0 ? TALLEST / most : 0;
}

function sidesOf(index: number, ribbons: BoxGraph["ribbons"]): { before: number; after: number } {
  let before = 0;
  let after = 0;
  for (const { from, to, net } of ribbons) {
    if (to === index) before += Math.abs(net);
    if (from === index) after += Math.abs(net);
  }
  return { before, after };
}

/** Figures for the few tributaries that are large enough to ask about. */
function largestOwn({ boxes }: BoxGraph, figures: string[], gap: number): Set<number> {
  const order = boxes.map((_, index) => index).filter((index) => boxes[index]?.own !== 0);
  order.sort((a, b) => Math.abs(boxes[b]?.own ?? 0) - Math.abs(boxes[a]?.own ?? 0));
  const largest = Math.abs(boxes[order[0] ?? -1]?.own ?? 0);
  return new Set(
    order
      .filter((index) => Math.abs(boxes[index]?.own ?? 0) >= 0.01 * largest)
      .filter((index) => textWidth(figures[index] ?? "") < gap - 2)
      .slice(0, 8),
  );
}

function slotsOf(graph: BoxGraph, columns: number[], scale: number, labelled: Set<number>) {
  const slots: Slot[] = graph.boxes.map((box, index) => {
    const { before, after } = sidesOf(index, graph.ribbons);
    const most = Math.max(before + Math.abs(box.own), after);
    return {
      box: index,
      column: columns[index] ?? 0,
      thick: Math.max(6, most * scale),
      above: NAME,
      below: box.own === 0 ? 0 : labelled.has(index) ? 30 : 16,
      y: 0,
      before: [],
      after: [],
    };
  });
  const chains = graph.ribbons.map((ribbon, index) => {
    const width = Math.max(HAIR, Math.abs(ribbon.net) * scale);
    const links: Link[] = [];
    let right = slots[ribbon.from] as Slot;
    const end = slots[ribbon.to] as Slot;
    while (right !== end) {
      const column = right.column - 1;
      const left: Slot =
        column <= end.column
          ? end
          : { box: null, column, thick: width, above: 0, below: 0, y: 0, before: [], after: [] };
      if (left !== end) slots.push(left);
      const link = { right, left, width, yRight: 0, yLeft: 0 };
      right.after.push(link);
      left.before.push(link);
      links.push(link);
      right = left;
    }
    return { ribbon: index, links };
  });
  return { slots, chains };
}

/** Order inside each column: sweeps left and right, each slot to the mean place of its neighbours. */
function arrange(slots: Slot[], count: number): Slot[][] {
  const columns: Slot[][] = Array.from({ length: count }, () => []);
  for (const slot of slots) columns[slot.column]?.push(slot);
  const place = new Map<Slot, number>();
  const number = (column: Slot[]) => {
    for (const [index, slot] of column.entries()) place.set(slot, index);
  };
  columns.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const leftward = sweep % 2 === 0;
    const order = leftward ? [...columns].reverse() : columns;
    for (const column of order) {
      const wish = new Map(
        column.map((slot) => {
          const links = leftward ? slot.before : slot.after;
          const others = links.map((link) => (leftward ? link.right : link.left));
          const sum = others.reduce((all, other) => all + (place.get(other) ?? 0), 0);
          return [slot, others.length > 0 ? sum / others.length : (place.get(slot) ?? 0)];
        }),
      );
      column.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
      number(column);
    }
  }
  return columns;
}

function stackHeight(column: Slot[]): number {
  const sizes = column.reduce((sum, { above, thick, below }) => sum + above + thick + below, 0);
  return sizes + GAP * Math.max(0, column.length - 1);
}

/** Heights: every slot wants to stand level with what it is joined to, and none may cover another. */
function settle(columns: Slot[][], height: number): void {
  for (const column of columns) {
    let y = (height - stackHeight(column)) / 2;
    for (const slot of column) {
      slot.y = y + slot.above;
      y += slot.above + slot.thick + slot.below + GAP;
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const order = sweep % 2 === 0 ? [...columns].reverse() : columns;
    for (const column of order) {
      for (const slot of column) {
        const links = [...slot.before, ...slot.after];
        const weights = links.reduce((sum, { width }) => sum + width, 0);
        if (weights === 0) continue;
        const wish = links.reduce((sum, link) => {
          const other = link.right === slot ? link.left : link.right;
          return sum + link.width * (other.y + other.thick / 2);
        }, 0);
        slot.y = wish / weights - slot.thick / 2;
      }
      part(column, height);
    }
  }
}

/** Push slots apart downward, then back up from the floor. */
function part(column: Slot[], height: number): void {
  let floor = 0;
  for (const slot of column) {
    slot.y = Math.max(slot.y, floor + slot.above);
    floor = slot.y + slot.thick + slot.below + GAP;
  }
  let ceiling = height;
  for (const slot of [...column].reverse()) {
    slot.y = Math.min(slot.y, ceiling - slot.below - slot.thick);
    ceiling = slot.y - slot.above - GAP;
  }
}

/** Ribbons leave and enter a box one under the other, in the order of where they come from. */
function joinPorts(slots: Slot[]): void {
  for (const slot of slots) {
    const byRight = [...slot.before].sort((a, b) => a.right.y - b.right.y);
    const byLeft = [...slot.after].sort((a, b) => a.left.y - b.left.y);
    let y = slot.y;
    for (const link of byRight) {
      link.yLeft = y + link.width / 2;
      y += link.width;
    }
    y = slot.y;
    for (const link of byLeft) {
      link.yRight = y + link.width / 2;
      y += link.width;
    }
  }
}

function through(links: Link[], xOf: (column: number) => number): string {
  const first = links[0];
  if (!first) return "";
  let path = `M${round(xOf(first.right.column))},${round(first.yRight)}`;
  for (const { right, left, yRight, yLeft } of links) {
    const from = xOf(right.column);
    const to = xOf(left.column) + BAR;
    const middle = (from + to) / 2;
    path += ` C${round(middle)},${round(yRight)} ${round(middle)},${round(yLeft)} ${round(to)},${round(yLeft)}`;
    if (left.box === null) path += ` H${round(to - BAR)}`;
  }
  return path;
}

interface Rectangle {
  from: number;
  to: number;
  top: number;
  bottom: number;
}

/** The end of a path says more than its beginning. */
export function shorten(text: string, width: number): string {
  const letters = Math.floor(width / textWidth("n"));
  if (text.length <= letters) return text;
  const end = text.slice(text.lastIndexOf(".") + 1);
  if (end.length + 1 <= letters && end !== text) return `…${end}`;
  if (letters < 2) return "";
  return end !== text ? `…${text.slice(1 - letters)}` : `${text.slice(0, letters - 1)}…`;
}

/** Names above their boxes, one row higher or shortened where a neighbour's is in the way. */
function nameBoxes(boxes: PlacedBox[], graph: BoxGraph, gap: number, width: number): void {
  const taken: Rectangle[] = boxes.map(({ x, y, height }) => ({
    from: x,
    to: x + BAR,
    top: y,
    bottom: y + height,
  }));
  for (const { own } of boxes) {
    if (own?.figure) {
      const { x, y } = own.figure;
      taken.push({ from: x - gap / 2, to: x + gap / 2, top: y - 10, bottom: y + 2 });
    }
  }
  const order = [...boxes].sort((a, b) => b.height - a.height);
  for (const placed of order) {
    const name = graph.boxes[placed.box]?.name ?? "";
    const middle = placed.x + BAR / 2;
    const stand = (limit: number, rise: number) => {
      const text = shorten(name, limit);
      if (text === "") return null;
      const half = textWidth(text) / 2 + 3;
      const x = Math.max(half, Math.min(width - half, middle));
      const y = placed.y - 5 - rise;
      const spot = { from: x - half, to: x + half, top: y - 10, bottom: y + 3 };
      const free = taken.every(
        (other) =>
          spot.to <= other.from ||
          spot.from >= other.to ||
          spot.bottom <= other.top ||
          spot.top >= other.bottom,
      );
      // A name on the upper row says which box it is of.
      const leader = rise > 0 ? `M${round(middle)},${round(y + 3)} V${round(placed.y - 1)}` : null;
      return free ? { text, x, y, spot, leader } : null;
    };
    const long = Math.max(2 * gap, 88);
    const found =
      stand(long, 0) ??
      (placed.y > 28 ? stand(long, 12) : null) ??
      (placed.y > 40 ? stand(long, 24) : null) ??
      stand(gap * 1.4, 0) ??
      stand(gap - 2, 0) ??
      stand(gap * 0.7, 0);
    if (!found) continue;
    const { text, x, y, leader } = found;
    placed.label = { text, x, y, leader };
    taken.push(found.spot);
  }
}

/** Under the picture: what has been opened, each in a row where no other is. */
function bracesOf(graph: BoxGraph, boxes: PlacedBox[], top: number): PlacedBrace[] {
  const rows: { from: number; to: number }[][] = [];
  const braces: PlacedBrace[] = [];
  const depth = (path: string) => path.split(".").length;
  const order = graph.opened
    .map((twig, opened) => ({ twig, opened }))
    .filter(({ twig }) => twig.path !== "")
    .sort((a, b) => depth(b.twig.path) - depth(a.twig.path));
  for (const { twig, opened } of order) {
    const inside = boxes.filter(({ box }) => {
      for (let at = graph.boxes[box]?.parent ?? null; at; at = at.parent) {
        if (at === twig) return true;
      }
      return false;
    });
    if (inside.length === 0) continue;
    const from = Math.min(...inside.map(({ x }) => x)) - 4;
    const to = Math.max(...inside.map(({ x }) => x)) + BAR + 4;
    const label = `− ${twig.name}`;
    const half = Math.max((to - from) / 2, textWidth(label) / 2) + 4;
    const middle = (from + to) / 2;
    let row = 0;
    while (rows[row]?.some((other) => middle - half < other.to && middle + half > other.from)) {
      row += 1;
    }
    rows[row] = [...(rows[row] ?? []), { from: middle - half, to: middle + half }];
    braces.push({ path: twig.path, opened, from, to, y: top + row * 24, label });
  }
  return braces;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
