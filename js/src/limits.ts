/** At which value a picture is at full colour, and what that leaves out. */

export interface Limits {
  /** Value at full colour. */
  limit: number;
  /** Pixels beyond it, painted as if at it. */
  clipped: number;
  /** Pixels that are NaN or infinite. */
  broken: number;
}

/** Half a percent of the pixels may lie beyond: one stray pixel must not bleach all the others. */
const KEPT = 0.995;

export function limitsOf(values: Float32Array, kept = KEPT): Limits {
  const sizes = values.filter(Number.isFinite).map(Math.abs).sort();
  const broken = values.length - sizes.length;
  const largest = sizes.at(-1) ?? 0;
  if (largest === 0) return { limit: 0, clipped: 0, broken };
  const quantile = sizes[Math.min(sizes.length - 1, Math.ceil(kept * sizes.length) - 1)] ?? 0;
  // A picture that is zero nearly everywhere keeps its largest value as the limit.
  const limit = sizes.length < 400 || quantile < largest * 1e-3 ? largest : quantile;
  return { limit, clipped: countBeyond(sizes, limit), broken };
}

/** Finite values beyond a limit. */
export function countBeyond(values: Float32Array, limit: number): number {
  let count = 0;
  for (const value of values) if (Math.abs(value) > limit && Number.isFinite(value)) count += 1;
  return count;
}

/** The same picture held to another limit. */
export function heldTo(limits: Limits, values: Float32Array, limit: number): Limits {
  return limit === limits.limit
    ? limits
    : { ...limits, limit, clipped: countBeyond(values, limit) };
}
