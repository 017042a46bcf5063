/** Columns of figures: a common power of ten is taken out and said once, and decimals stand under decimals. */

import { fixed, NOT_FINITE } from "./figures";
import type { Figure } from "./film";

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** How the figures of one column are printed: each divided by 10^power, with so many decimals. */
export interface Column {
  power: number;
  decimals: number;
}

/** Sizes that are read without a power: from a hundredth to ten thousand. */
const PLAIN = { from: 0.01, below: 1e4 };

function largestOf(values: readonly Figure[]): number {
  return values.reduce<number>((most, value) => {
    const size = Math.abs(value ?? 0);
    return Number.isFinite(size) && size > most ? size : most;
  }, 0);
}

/** The power of ten, a multiple of three, that brings the largest between 1 and 1000; 0 where none is needed. */
export function powerOf(values: readonly Figure[]): number {
  const largest = largestOf(values);
  if (largest === 0 || (largest >= PLAIN.from && largest < PLAIN.below)) return 0;
  return 3 * Math.floor(Math.log10(largest) / 3 + 1e-12);
}

export function columnOf(values: readonly Figure[], digits = 4): Column {
  const power = powerOf(values);
  const largest = largestOf(values) / 10 ** power;
  const whole = largest > 0 ? Math.floor(Math.log10(largest)) : 0;
  return { power, decimals: Math.min(6, Math.max(0, digits - 1 - whole)) };
}

export function inColumn(value: Figure, { power, decimals }: Column): string {
  return value === null ? NOT_FINITE : fixed(value / 10 ** power, decimals);
}

export function raised(power: number): string {
  const digits = [...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
  return `${power < 0 ? "⁻" : ""}${digits}`;
}

/** "×10⁻⁶" for the head of a column; nothing where no power was taken out. */
export function factor(power: number): string {
  return power === 0 ? "" : `×10${raised(power)}`;
}

/** A figure of a few letters under a tile: at most three decimals, never a power of its own. */
export function brief(value: Figure, power: number): string {
  if (value === null || !Number.isFinite(value)) return "n.f.";
  const scaled = value / 10 ** power;
  const size = Math.abs(scaled);
  if (size === 0) return "0";
  return fixed(scaled, size >= 99.5 ? 0 : size >= 9.95 ? 1 : size >= 0.995 ? 2 : 3);
}

/** Shares as percent with the decimals that the largest of them deserves. */
export function percentDecimals(shares: readonly Figure[]): number {
  const largest = 100 * largestOf(shares);
  return largest >= 10 || largest === 0 ? 1 : largest >= 1 ? 2 : 3;
}

export function percent(share: Figure, decimals: number): string {
  if (share === null) return NOT_FINITE;
  return `${fixed(100 * share, decimals)} %`;
}
