/** Which class is ahead while the bias fades in: the scores are lines in t, so every change is where two cross. */

import type { Figure } from "../film";

export interface Change {
  t: number;
  from: number;
  to: number;
}

export interface Parts {
  gradient: readonly Figure[];
  bias: readonly Figure[];
}

export function scoreAt({ gradient, bias }: Parts, index: number, t: number): number {
  const start = gradient[index] ?? null;
  const slope = bias[index] ?? null;
  return start === null || slope === null ? Number.NaN : start + t * slope;
}

/** The class ahead at t: of equals the one that gains more, then the first. */
export function leaderAt(parts: Parts, t: number): number | null {
  let best: number | null = null;
  for (let index = 0; index < parts.gradient.length; index += 1) {
    const score = scoreAt(parts, index, t);
    if (Number.isNaN(score)) continue;
    const ahead = best === null ? -1 : scoreAt(parts, best, t);
    const faster = best !== null && (parts.bias[index] ?? 0) > (parts.bias[best] ?? 0);
    if (best === null || score > ahead || (score === ahead && faster)) best = index;
  }
  return best;
}

/** The upper envelope of the lines from t = 0 to 1. */
export function changesOf(parts: Parts): Change[] {
  const found: Change[] = [];
  let leader = leaderAt(parts, 0);
  let t = 0;
  while (leader !== null) {
    const slope = parts.bias[leader] ?? 0;
    const start = parts.gradient[leader] ?? 0;
    let next: { t: number; to: number } | null = null;
    for (let index = 0; index < parts.gradient.length; index += 1) {
      const gain = (parts.bias[index] ?? Number.NaN) - slope;
      // Only a line that is steeper can come from below.
      if (!(gain > 0)) continue;
      const at = (start - (parts.gradient[index] ?? Number.NaN)) / gain;
      if (!(at >= t && at <= 1)) continue;
      const steeper = next !== null && (parts.bias[index] ?? 0) > (parts.bias[next.to] ?? 0);
      if (next === null || at < next.t || (at === next.t && steeper)) next = { t: at, to: index };
    }
    if (!next) return found;
    found.push({ t: next.t, from: leader, to: next.to });
    leader = next.to;
    t = next.t;
  }
  return found;
}
