/**
 * The film's steps gathered into boxes, one a module, and the mass that crosses from box to box.
 *
 * Flows run from the output toward the input, as the walk does: `from` is nearer the output. A box conserves
 * what its steps conserve: in + own − unshared = out + held, and only the input holds anything.
 */

import type { Figure, Film, Frame } from "../film";

/** Boxes before the smallest are put together. */
export const MOST = 12;

/** A module, or one step where a module has no smaller part. */
export interface Twig {
  path: string;
  name: string;
  parent: Twig | null;
  children: Twig[];
  /** Steps inside, in walk order. */
  frames: number[];
  /** Nothing smaller inside. */
  leaf: boolean;
  isModule: boolean;
}

export interface Box {
  key: string;
  name: string;
  /** Of the module that it stands for, or of the boxes put together, what opens it; null: nothing to open. */
  opens: string | null;
  parent: Twig;
  frames: number[];
  /** More than one where small ones are put together. */
  twigs: Twig[];
  in: number;
  own: number;
  unshared: number;
  out: number;
  held: number;
  /** Σ |intercept|: what the box would hide. */
  added: number;
  /** A figure inside is not finite: its sums leave that one out. */
  broken: boolean;
}

export interface Ribbon {
  /** Indices of boxes. */
  from: number;
  to: number;
  net: number;
  gross: number;
  /** The steps after which the first and the last part of it have been passed on. */
  first: number;
  last: number;
}

export interface BoxGraph {
  boxes: Box[];
  ribbons: Ribbon[];
  /** Every module that is open, the root first. */
  opened: Twig[];
  /** As `look.open` says it: to add to, or to take from. */
  open: string[];
  /** Part of Σ |intercept| in boxes that stand for several modules. */
  hidden: number;
  /** Boxes put together, and into how many. */
  merged: { twigs: number; boxes: number };
}

/** A path that opens what was put together inside a module. */
export function morePath(parent: string): string {
  return parent === "" ? "…" : `${parent}.…`;
}

export function finite(value: Figure): number {
  return value !== null && Number.isFinite(value) ? value : 0;
}

export function growTree({ frames }: Film): Twig {
  const root = twig("", null);
  const known = new Map<string, Twig>([["", root]]);
  const last = frames.length - 1;
  frames.forEach((frame, index) => {
    const atEnd = index === 0 || index === last;
    const module = atEnd ? root : descend(frame.module, known, root);
    const step = twig(`${module.path}@${frame.node}`, module, atEnd ? frame.name : frame.node);
    step.leaf = true;
    step.isModule = false;
    module.children.push(step);
    for (let at: Twig | null = step; at; at = at.parent) at.frames.push(index);
  });
  return prune(root);
}

function twig(path: string, parent: Twig | null, name = path): Twig {
  return { path, name, parent, children: [], frames: [], leaf: false, isModule: true };
}

function descend(module: string, known: Map<string, Twig>, root: Twig): Twig {
  let at = root;
  for (let end = 0; end >= 0 && module !== ""; ) {
    end = module.indexOf(".", end + 1);
    const path = end < 0 ? module : module.slice(0, end);
    let next = known.get(path);
    if (!next) {
      next = twig(path, at);
      known.set(path, next);
      at.children.push(next);
    }
    at = next;
  }
  return at;
}

/** A module of one step is that step; a module that only holds another has nothing of its own to show. */
function prune(at: Twig): Twig {
  at.children = at.children.map(prune);
  const [only] = at.children;
  if (only && at.children.length === 1 && at.parent) {
    if (only.leaf) {
      at.leaf = true;
      at.children = [];
    } else {
      only.parent = at.parent;
      return only;
    }
  }
  for (const child of at.children) child.parent = at;
  return at;
}

/** A module that holds more than half of the steps is no summary: what is in it is shown instead. */
function openedAtFirst(root: Twig): Set<string> {
  const open = new Set([""]);
  for (let at: Twig | undefined = root; at; ) {
    at = at.children.find(
      (child) =>
        child.children.some((one) => one.isModule) &&
        2 * child.frames.length > root.frames.length - 2,
    );
    if (at) open.add(at.path);
  }
  return open;
}

export function boxGraph(film: Film, asked: readonly string[], root = growTree(film)): BoxGraph {
  const atFirst = asked.length === 0;
  const open = atFirst ? openedAtFirst(root) : new Set(["", ...asked]);
  const opened: Twig[] = [];
  const closed: Twig[] = [];
  const visit = (at: Twig) => {
    if (at.leaf || (at !== root && !open.has(at.path))) {
      closed.push(at);
      return;
    }
    opened.push(at);
    at.children.forEach(visit);
  };
  visit(root);

  const last = film.frames.length - 1;
  let boxes = closed.map((one) => draft([one], one.frames));
  boxes = withoutCycles(boxes, film);
  if (atFirst) {
    boxes = putTogether(boxes, film, boxes.length - MOST, () => true);
  } else {
    for (const parent of opened) {
      if (open.has(morePath(parent.path))) continue;
      const inside = (box: Draft) => box.twigs[0]?.parent === parent;
      boxes = putTogether(boxes, film, boxes.filter(inside).length - MOST, inside);
    }
  }
  const names = nameAll(boxes);
  const graph = boxes.map((box, index) => whole(box, film, names[index] ?? ""));
  const ribbons = ribbonsOf(boxes, film);
  for (const ribbon of ribbons) {
    const from = graph[ribbon.from];
    const to = graph[ribbon.to];
    if (from) from.out += ribbon.net;
    if (to) to.in += ribbon.net;
  }
  const all = film.frames.reduce((sum, frame) => sum + Math.abs(finite(frame.intercept)), 0);
  const several = graph.filter((box) => box.twigs.length > 1);
  const hidden = several.reduce((sum, box) => sum + box.added, 0);
  // The output stands first in the walk and is drawn last, at the right.
  graph.forEach((box) => {
    if (box.frames[0] === 0 || box.frames.at(-1) === last) box.opens = null;
  });
  return {
    boxes: graph,
    ribbons,
    opened,
    open: [...open],
    hidden: all > 0 ? hidden / all : 0,
    merged: {
      twigs: several.reduce((sum, box) => sum + box.twigs.length, 0),
      boxes: several.length,
    },
  };
}

/** A box before its sums are known. */
interface Draft {
  twigs: Twig[];
  frames: number[];
}

function draft(twigs: Twig[], frames: number[]): Draft {
  return { twigs, frames };
}

function ownersOf(boxes: Draft[], count: number): Int32Array {
  const owners = new Int32Array(count).fill(-1);
  boxes.forEach(({ frames }, index) => {
    for (const frame of frames) owners[frame] = index;
  });
  return owners;
}

function ribbonsOf(boxes: Draft[], film: Film): Ribbon[] {
  const owners = ownersOf(boxes, film.frames.length);
  const known = new Map<number, Ribbon>();
  for (const flow of film.flows) {
    const from = owners[flow.from] ?? -1;
    const to = owners[flow.to] ?? -1;
    if (from < 0 || to < 0 || from === to) continue;
    const key = from * boxes.length + to;
    const ribbon = known.get(key) ?? { from, to, net: 0, gross: 0, first: flow.from, last: 0 };
    ribbon.net += finite(flow.net);
    ribbon.gross += finite(flow.gross);
    ribbon.first = Math.min(ribbon.first, flow.from);
    ribbon.last = Math.max(ribbon.last, flow.from);
    known.set(key, ribbon);
  }
  // A step with nothing to hand on still stands before the next one: without that it would stand by the input.
  const giving = givers(film);
  for (let at = 0; at + 1 < film.frames.length; at += 1) {
    const from = owners[at] ?? -1;
    const to = owners[at + 1] ?? -1;
    const key = from * boxes.length + to;
    if (giving.has(at) || from === to || known.has(key)) continue;
    known.set(key, { from, to, net: 0, gross: 0, first: at, last: at });
  }
  return [...known.values()];
}

function successors(boxes: Draft[], film: Film): number[][] {
  const next: number[][] = boxes.map(() => []);
  for (const { from, to } of ribbonsOf(boxes, film)) next[from]?.push(to);
  return next;
}

/**
 * A module entered twice would take mass from what it gave mass to. It is cut where the walk leaves it.
 *
 * The walk goes through the steps in topological order, so runs of it within a cycle cannot form another.
 */
function withoutCycles(boxes: Draft[], film: Film): Draft[] {
  const groups = components(successors(boxes, film)).filter((group) => group.length > 1);
  if (groups.length === 0) return boxes;
  const cut = new Set(groups.flat());
  const kept = boxes.filter((_, index) => !cut.has(index));
  for (const group of groups) {
    const owner = new Map<number, number>();
    for (const index of group) for (const at of boxes[index]?.frames ?? []) owner.set(at, index);
    let run: Draft | null = null;
    let before = -1;
    for (const at of [...owner.keys()].sort((a, b) => a - b)) {
      const index = owner.get(at) ?? -1;
      if (!run || index !== before) {
        run = draft(boxes[index]?.twigs ?? [], []);
        kept.push(run);
      }
      run.frames.push(at);
      before = index;
    }
  }
  return kept.sort((a, b) => (a.frames[0] ?? 0) - (b.frames[0] ?? 0));
}

/** Strongly connected components, without recursion: a graph may be a thousand steps deep. */
export function components(next: number[][]): number[][] {
  const order = new Int32Array(next.length).fill(-1);
  const low = new Int32Array(next.length);
  const waiting: number[] = [];
  const inside = new Uint8Array(next.length);
  const found: number[][] = [];
  let clock = 0;
  for (let start = 0; start < next.length; start += 1) {
    if (order[start] !== -1) continue;
    const path: { at: number; edge: number }[] = [{ at: start, edge: 0 }];
    while (path.length > 0) {
      const top = path[path.length - 1] as { at: number; edge: number };
      const { at } = top;
      if (top.edge === 0) {
        order[at] = low[at] = clock;
        clock += 1;
        waiting.push(at);
        inside[at] = 1;
      }
      const to = next[at]?.[top.edge];
      top.edge += 1;
      if (to !== undefined) {
        if (order[to] === -1) path.push({ at: to, edge: 0 });
        else if (inside[to]) low[at] = Math.min(low[at] ?? 0, order[to] ?? 0);
        continue;
      }
      path.pop();
      const above = path[path.length - 1];
      if (above) low[above.at] = Math.min(low[above.at] ?? 0, low[at] ?? 0);
      if (low[at] !== order[at]) continue;
      const group: number[] = [];
      for (let one = -1; one !== at; ) {
        one = waiting.pop() ?? at;
        inside[one] = 0;
        group.push(one);
      }
      found.push(group);
    }
  }
  return found;
}

/**
 * Put neighbours that add the least together until `excess` fewer are left.
 *
 * Only neighbours inside one module, and never two with a third between them: that would make a cycle.
 */
function putTogether(
  boxes: Draft[],
  film: Film,
  excess: number,
  may: (box: Draft) => boolean,
): Draft[] {
  const last = film.frames.length - 1;
  const fixed = (box: Draft) => box.frames[0] === 0 || box.frames.at(-1) === last || !may(box);
  const alive = boxes.map((box) => ({ ...box, size: addedBy(box.frames, film) }));
  const next = successors(boxes, film).map((all) => new Set(all));
  const gone = new Uint8Array(boxes.length);
  for (let left = excess; left > 0; left -= 1) {
    const pairs: { a: number; b: number; size: number; steps: number }[] = [];
    next.forEach((all, a) => {
      const one = alive[a];
      if (gone[a] || !one || fixed(one)) return;
      for (const b of all) {
        const other = alive[b];
        if (!other || fixed(other) || other.twigs[0]?.parent !== one.twigs[0]?.parent) continue;
        pairs.push({
          a,
          b,
          size: one.size + other.size,
          steps: one.frames.length + other.frames.length,
        });
      }
    });
    // Of those that add as little, the shortest: many small groups rather than one that swallows all.
    pairs.sort((p, q) => p.size - q.size || p.steps - q.steps);
    const pair = pairs.find(({ a, b }) => !detour(next, a, b));
    const one = pair && alive[pair.a];
    const other = pair && alive[pair.b];
    if (!pair || !one || !other) break;
    alive[pair.a] = {
      twigs: [...new Set([...one.twigs, ...other.twigs])],
      frames: [...one.frames, ...other.frames].sort((a, b) => a - b),
      size: one.size + other.size,
    };
    gone[pair.b] = 1;
    const onward = next[pair.b] ?? new Set<number>();
    next[pair.b] = new Set();
    for (const all of next) {
      if (all.delete(pair.b)) all.add(pair.a);
    }
    next[pair.a] = new Set([...(next[pair.a] ?? []), ...onward]);
    next[pair.a]?.delete(pair.a);
  }
  return alive.filter((_, index) => !gone[index]).map(({ twigs, frames }) => ({ twigs, frames }));
}

/** Whether one gets from a to b through another box. */
function detour(next: Set<number>[], a: number, b: number): boolean {
  const waiting = [...(next[a] ?? [])].filter((to) => to !== b);
  const seen = new Set(waiting);
  while (waiting.length > 0) {
    const at = waiting.pop() as number;
    for (const to of next[at] ?? []) {
      if (to === b) return true;
      if (seen.has(to)) continue;
      seen.add(to);
      waiting.push(to);
    }
  }
  return false;
}

function addedBy(frames: number[], film: Film): number {
  return frames.reduce((sum, at) => sum + Math.abs(finite(film.frames[at]?.intercept ?? 0)), 0);
}

/** What each box is called; the runs of a module that was cut are counted from the input. */
function nameAll(boxes: Draft[]): string[] {
  const uses = new Map<string, number[]>();
  boxes.forEach(({ twigs: [one, second] }, index) => {
    if (!one || second) return;
    uses.set(one.path, [...(uses.get(one.path) ?? []), index]);
  });
  return boxes.map(({ twigs }, index) => {
    const [one] = twigs;
    if (!one) return "";
    if (twigs.length > 1) return `… ${twigs.length} more`;
    const runs = uses.get(one.path) ?? [];
    if (runs.length < 2) return one.name;
    return `${one.name}, ${runs.length - runs.indexOf(index)} of ${runs.length}`;
  });
}

function whole({ twigs, frames }: Draft, film: Film, name: string): Box {
  const [one] = twigs as [Twig];
  const parent = one.parent ?? one;
  const several = twigs.length > 1;
  const box: Box = {
    key: several ? `${morePath(parent.path)}${frames[0]}` : `${one.path}:${frames[0]}`,
    name,
    opens: several ? morePath(parent.path) : one.leaf ? null : one.path,
    parent,
    frames,
    twigs,
    in: 0,
    own: 0,
    unshared: 0,
    out: 0,
    held: 0,
    added: addedBy(frames, film),
    broken: false,
  };
  const giving = givers(film);
  for (const at of frames) {
    const frame = film.frames[at] as Frame;
    box.own += finite(frame.intercept);
    box.unshared += finite(frame.unshared);
    if (!giving.has(at)) {
      box.held += finite(frame.arriving) + finite(frame.intercept) - finite(frame.unshared);
    }
    if ([frame.arriving, frame.intercept, frame.unshared].some((one) => one === null)) {
      box.broken = true;
    }
  }
  return box;
}

const giversOf = new WeakMap<Film, Set<number>>();

/** The steps that hand anything on: all but the input. */
function givers(film: Film): Set<number> {
  const found = giversOf.get(film) ?? new Set(film.flows.map(({ from }) => from));
  giversOf.set(film, found);
  return found;
}
