/** What stands at the stops of a level: sums over the frames that each stop stands for, and the plan's choices. */

import type { Choice, Figure, Film, Frame, Lane, Level } from "../film";
import { shortName } from "../look";

/** One sum on paper: arriving + added − unshared = passed on. */
export interface Sums {
  arriving: Figure;
  added: Figure;
  unshared: Figure;
  passed: Figure;
  /** Added by quiet frames since the stop before: on the cut, though not of this node's own making. */
  between: Figure;
}

/** NaN and infinities stay visible: a sum over one of them is null as well. */
export function total(figures: Figure[]): Figure {
  return figures.reduce<Figure>(
    (sum, figure) => (sum === null || figure === null ? null : sum + figure),
    0,
  );
}

/** The frames that a stop stands for: those after the stop before, up to its own. */
export function framesOf(film: Film, level: Level, index: number): Frame[] {
  const stops = film.levels[level];
  const stop = stops[index];
  if (!stop) return [];
  return film.frames.slice((stops[index - 1]?.frame ?? -1) + 1, stop.frame + 1);
}

/**
 * A block has no place of its own where mass arrives: it lies between two cuts, so what arrives is the bias
 * part of the cut before it. A layer or an op is one node and has its own numbers.
 */
export function sumsAt(film: Film, level: Level, index: number): Sums {
  const frames = framesOf(film, level, index);
  const own = frames.at(-1);
  if (!own) return { arriving: null, added: null, unshared: null, passed: null, between: null };
  if (level === "blocks") {
    const before = film.levels.blocks[index - 1];
    return {
      arriving: before ? (film.frames[before.frame]?.cut_bias ?? null) : 0,
      added: total(frames.map(({ intercept }) => intercept)),
      unshared: total(frames.map(({ unshared }) => unshared)),
      passed: own.cut_bias,
      between: 0,
    };
  }
  const { arriving, intercept, unshared } = own;
  return {
    arriving,
    added: intercept,
    unshared,
    passed: total([arriving, intercept, unshared === null ? null : -unshared]),
    between: total(frames.slice(0, -1).map((frame) => frame.intercept)),
  };
}

/** What each stop of a level adds: the sum of the intercepts of its frames. */
export function addedBy(film: Film, level: Level): Figure[] {
  return film.levels[level].map((_, index) =>
    total(framesOf(film, level, index).map(({ intercept }) => intercept)),
  );
}

/** For each frame the choice that the lane's plan makes there, as the kernel resolves it: the first key that fits. */
export function plannedAt(film: Film, { plan }: Pick<Lane, "plan">): Map<number, Choice> {
  const chosen = new Map<number, Choice>();
  const sharing = film.frames.flatMap((frame, index) => (frame.mixes ? [index] : []));
  for (const [key, choice] of Object.entries(plan)) {
    const fits = matcher(key, film, sharing);
    for (const index of sharing) {
      if (!chosen.has(index) && fits(index)) chosen.set(index, choice);
    }
  }
  return chosen;
}

/** In words, what the plan says at a stop; null where it says nothing. */
export function describePlan(
  film: Film,
  level: Level,
  index: number,
  planned: Map<number, Choice>,
): string | null {
  const own = film.levels[level][index]?.frame ?? 0;
  const first = own - framesOf(film, level, index).length + 1;
  const rules = new Set<string>();
  for (let frame = first; frame <= own; frame += 1) {
    const choice = planned.get(frame);
    if (choice) rules.add(shortName(choice));
  }
  return rules.size === 0 ? null : [...rules].join(" · ");
}

function matcher(key: string, film: Film, sharing: number[]): (index: number) => boolean {
  // Counted from the input, where the walk ends.
  if (key === "first") return (index) => index === sharing.at(-1);
  if (key === "last") return (index) => index === sharing[0];
  const module = pattern(key);
  return (index) => {
    const frame = film.frames[index];
    if (!frame) return false;
    return key === frame.op || key === frame.node || module.test(frame.module);
  };
}

/** Python's `fnmatchcase`: `*`, `?` and `[...]`. */
function pattern(key: string): RegExp {
  const source = key.replace(/\[(!?)([^\]]+)\]|[.*+?^${}()|[\]\\]/g, (mark, not, set) => {
    if (set !== undefined) return `[${not ? "^" : ""}${set.replace(/[\\^]/g, "\\$&")}]`;
    return mark === "*" ? ".*" : mark === "?" ? "." : `\\${mark}`;
  });
  return new RegExp(`^${source}$`, "s");
}
