/** The equation of a unit for a paper: two tables in plain LaTeX, names escaped, a common power in the head. */

import type { UnitAnswer } from "./detail";
import type { Figure } from "./film";
import { type Column, columnOf, percentDecimals } from "./tenfold";

const ESCAPES: Record<string, string> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "|": "\\textbar{}",
};

/** Text that LaTeX prints as it stands. */
export function escaped(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[\\~^<>|&%$#_{}]/g, (mark) => ESCAPES[mark] ?? `\\${mark}`);
}

function figure(value: Figure, { power, decimals }: Column): string {
  if (value === null || !Number.isFinite(value)) return "n.\\,f.";
  return `$${(value / 10 ** power).toFixed(decimals)}$`;
}

function head(text: string, power: number): string {
  return power === 0 ? text : `${text} / $10^{${power}}$`;
}

export type NameOf = (term: { frame: number; at: number[]; name: string }) => string;

function table(align: string, lines: string[]): string[] {
  return [`\\begin{tabular}{${align}}`, "  \\hline", ...lines, "  \\hline", "\\end{tabular}"];
}

function row(...cells: string[]): string {
  return `  ${cells.join(" & ")} \\\\`;
}

export function equationLatex(answer: UnitAnswer, nameOf: NameOf): string {
  const { comes, gives } = answer;
  const own = columnOf([
    ...comes.terms.map(({ part }) => part),
    comes.rest_part,
    answer.own,
    answer.mass,
  ]);
  const shares = [...comes.terms, ...gives.terms].map(({ share }) => share);
  const decimals = percentDecimals(shares);
  const percent = (share: Figure) =>
    share === null ? "n.\\,f." : `$${(100 * share).toFixed(decimals)}\\,\\%$`;
  const whole = columnOf(comes.terms.map(({ mass }) => mass));
  const lines = [
    row("from", "share", head("of its mass", whole.power), head("came", own.power)),
    "  \\hline",
    ...comes.terms.map((term) =>
      row(
        escaped(nameOf(term)),
        percent(term.share),
        figure(term.mass, whole),
        figure(term.part, own),
      ),
    ),
  ];
  const others = comes.count - comes.terms.length;
  if (others > 0) lines.push(row(`the other ${others}`, "", "", figure(comes.rest_part, own)));
  lines.push(row("own intercept", "", "", figure(answer.own, own)));
  lines.push("  \\hline", row("mass of the unit", "", "", figure(answer.mass, own)));
  const title = `% ${answer.node.replace(/\s+/g, " ")} (${answer.unit.join(", ")}), ${answer.rule.replace(/\s+/g, " ")}`;
  return `${[title, ...table("lrrr", lines), "", ...given(answer, nameOf, percent)].join("\n")}\n`;
}

function given(
  { gives, unshared, mass }: UnitAnswer,
  nameOf: NameOf,
  percent: (share: Figure) => string,
): string[] {
  if (gives.count === 0) return [];
  const gets = columnOf([...gives.terms.map((term) => term.mass), gives.rest_mass, mass]);
  const weights = columnOf(gives.terms.map(({ weight }) => weight));
  const values = columnOf(gives.terms.map(({ value }) => value));
  const lines = [
    row(
      "input",
      head("$w$", weights.power),
      head("$x$", values.power),
      "share",
      head("gets", gets.power),
    ),
    "  \\hline",
    ...gives.terms.map((term) =>
      row(
        escaped(nameOf(term)),
        figure(term.weight, weights),
        figure(term.value, values),
        percent(term.share),
        figure(term.mass, gets),
      ),
    ),
  ];
  const rest = gives.count - gives.terms.length;
  if (rest > 0) {
    lines.push(
      row(`the other ${rest}`, "", "", percent(gives.rest_share), figure(gives.rest_mass, gets)),
    );
  }
  if (unshared !== 0) lines.push(row("unshared", "", "", "", figure(unshared, gets)));
  lines.push("  \\hline", row("mass of the unit", "", "", "", figure(mass, gets)));
  return table("lrrrr", lines);
}
