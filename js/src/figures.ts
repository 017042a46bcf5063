/** Numbers as a reader sees them: a real minus sign, aligned decimals, words for what is not finite. */

import type { Figure } from "./film";

const MINUS = "\u2212";
const SUPERSCRIPT: Record<string, string> = {
  "-": "⁻",
  "0": "⁰",
  "1": "¹",
  "2": "²",
  "3": "³",
  "4": "⁴",
  "5": "⁵",
  "6": "⁶",
  "7": "⁷",
  "8": "⁸",
  "9": "⁹",
};

export const NOT_FINITE = "not finite";

function typeset(text: string): string {
  return text.replace("-", MINUS);
}

function power(value: number, digits: number): string {
  const [mantissa = "", exponent = "0"] = value.toExponential(digits - 1).split("e");
  const raised = [...String(Number(exponent))].map((mark) => SUPERSCRIPT[mark] ?? mark).join("");
  return `${typeset(mantissa)} × 10${raised}`;
}

/** A figure with so many significant digits, short enough for a label. */
export function compact(value: Figure, digits = 3): string {
  if (value === null || !Number.isFinite(value)) return NOT_FINITE;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return power(value, digits);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return typeset(value.toFixed(decimals));
}

export function signed(value: Figure, digits = 3): string {
  const text = compact(value, digits);
  return value !== null && value > 0 ? `+${text}` : text;
}

/** Decimals at which the largest of the values shows six significant digits, shared by a whole column. */
export function decimalsFor(values: Figure[], digits = 6): number {
  const largest = Math.max(0, ...values.map((value) => Math.abs(value ?? 0)));
  if (largest === 0 || !Number.isFinite(largest)) return 4;
  return Math.min(12, Math.max(0, digits - 1 - Math.floor(Math.log10(largest))));
}

export function fixed(value: Figure, decimals: number): string {
  if (value === null || !Number.isFinite(value)) return NOT_FINITE;
  return typeset(value.toFixed(decimals));
}

/** The value to the last bit, for programs that read the page. */
export function exactly(value: Figure): string {
  return String(value);
}
