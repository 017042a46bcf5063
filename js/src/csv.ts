/** The equation of a unit as a table for other programs: every figure to the last bit. */

import type { UnitAnswer } from "./detail";
import type { Figure } from "./film";

type Entry = string | number | null | undefined;

/**
 * One cell: quoted where it must be, and never a formula.
 *
 * Spreadsheets run text that begins with one of these marks; a name that does is kept as text by an apostrophe.
 */
export function cell(entry: Entry): string {
  if (entry === undefined) return "";
  if (entry === null) return "NaN";
  if (typeof entry === "number") return String(entry);
  const text = /^\s*[=+\-@]|^[\t\r\n]/.test(entry) ? `'${entry}` : entry;
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

const HEAD = [
  "direction",
  "frame",
  "name",
  "unit",
  "weight",
  "value",
  "strength",
  "share",
  "mass",
  "amount",
];

/** What a row says; columns that do not apply stay empty, a figure that is not finite is NaN. */
interface Row {
  direction: string;
  frame?: number;
  name?: string;
  unit?: number[];
  weight?: Figure;
  value?: Figure;
  strength?: Figure;
  share?: Figure;
  mass?: Figure;
  amount?: Figure;
}

function line(row: Row): string {
  const unit = row.unit && `(${row.unit.join(", ")})`;
  const { direction, frame, name, weight, value, strength, share, mass, amount } = row;
  return [direction, frame, name, unit, weight, value, strength, share, mass, amount]
    .map(cell)
    .join(",");
}

export function equationCsv(answer: UnitAnswer): string {
  const { comes, gives, node, unit } = answer;
  const rows: Row[] = comes.terms.map(({ frame, at, name, share, mass, part }) => ({
    direction: "comes",
    frame,
    name,
    unit: at,
    share,
    mass,
    amount: part,
  }));
  const others = comes.count - comes.terms.length;
  if (others > 0) {
    rows.push({ direction: "comes", name: `the other ${others}`, amount: comes.rest_part });
  }
  rows.push({ direction: "own", name: "intercept", amount: answer.own });
  rows.push({ direction: "mass", name: node, unit, value: answer.value, amount: answer.mass });
  for (const { frame, at, mass, ...rest } of gives.terms) {
    rows.push({ direction: "gives", frame, unit: at, amount: mass, ...rest });
  }
  const rest = gives.count - gives.terms.length;
  if (rest > 0) {
    const { rest_share, rest_mass } = gives;
    const name = `the other ${rest}`;
    rows.push({ direction: "gives", name, share: rest_share, amount: rest_mass });
  }
  if (answer.unshared !== 0) rows.push({ direction: "unshared", amount: answer.unshared });
  return `${[HEAD.join(","), ...rows.map(line)].join("\r\n")}\r\n`;
}
