/** Where a film does not hold what it promises: the rule of `bbp_widgets/views/triage.py`, sign for sign. */

import type { Figure, Film } from "../film";

export type Sign = "residual" | "broken" | "unshared" | "dead";

/** A shape for each, so that none is told by its colour alone. */
export const SIGNS: Record<Sign, { mark: string; says: string }> = {
  residual: { mark: "✗", says: "stops adding up here" },
  broken: { mark: "∅", says: "holds NaN or infinite values" },
  unshared: { mark: "!", says: "has mass that no rule could place" },
  dead: { mark: "○", says: "has no unit that lives" },
};

function known(value: Figure): value is number {
  return value !== null && Number.isFinite(value);
}

/** What is wrong with a step. A residual counts where it arises, not at every step after it. */
export function signsOf(film: Film, index: number): Sign[] {
  const frame = film.frames[index];
  if (!frame) return [];
  const tolerance = film.totals.tolerance ?? 0;
  const { residual, unshared, triage } = frame;
  const before = index > 0 ? (film.frames[index - 1]?.residual ?? null) : 0;
  const found: Sign[] = [];
  if (known(before) && (!known(residual) || Math.abs(residual - before) > tolerance)) {
    found.push("residual");
  }
  if (triage.broken > 0) found.push("broken");
  if (!known(unshared) || Math.abs(unshared) > tolerance) found.push("unshared");
  if ((triage.dead ?? 0) >= 1) found.push("dead");
  return found;
}

const kept = new WeakMap<Film, number[]>();

/** The steps that want a look, in walk order. */
export function anomalies(film: Film): number[] {
  const found =
    kept.get(film) ?? [...film.frames.keys()].filter((index) => signsOf(film, index).length > 0);
  kept.set(film, found);
  return found;
}

/** The next one toward the input, then from the output again; null where there is none. */
export function nextAnomaly(film: Film, frame: number): number | null {
  const all = anomalies(film);
  return all.find((index) => index > frame) ?? all[0] ?? null;
}
