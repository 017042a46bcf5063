/** The same equation in letters, and with the numbers of its largest term put in. */

import type { UnitAnswer } from "../detail";
import { el } from "../dom";
import { compact, exactly } from "../figures";
import type { Figure } from "../film";
import { type Column, columnOf, factor, inColumn } from "../tenfold";
import type { Label } from "./equation";

export interface FormulaView {
  answer: UnitAnswer;
  labelOf(term: { frame: number; at: number[]; name: string }): Label;
}

export function formula() {
  const node = el("div", { class: "formula" });
  return {
    node,
    update({ answer, labelOf }: FormulaView) {
      node.replaceChildren(
        ...arriving(answer),
        ...sharing(answer),
        ...largest(answer, labelOf),
        ...gradient(answer),
      );
    },
  };
}

const it = (text: string) => el("i", {}, text);
const low = (text: string) => el("sub", {}, text);
const number = (value: Figure, digits = 4) =>
  el("b", { "data-value": exactly(value) }, compact(value, digits));
const figure = (value: Figure, column: Column) =>
  el("b", { "data-value": exactly(value) }, inColumn(value, column));

function fraction(above: (Node | string)[], below: (Node | string)[]): HTMLElement {
  return el(
    "span",
    { class: "fraction" },
    el("span", {}, ...above),
    el("span", { class: "bbp-unseen" }, " over "),
    el("span", {}, ...below),
  );
}

function line(...parts: (Node | string)[]): HTMLElement {
  return el("p", { class: "line" }, ...parts);
}

/** "|s|^power" with the power raised: a rule's formula comes as plain text. */
function powers(text: string): (Node | string)[] {
  return text
    .split(/(\^(?:[\w.]+|\([^()]*\)))/)
    .map((part) =>
      part.startsWith("^") ? el("sup", {}, part.slice(1).replace(/^\((.*)\)$/, "$1")) : part,
    );
}

function says(text: string): HTMLElement {
  return el("p", { class: "soft" }, text);
}

function arriving({ arrived, own, mass }: UnitAnswer): HTMLElement[] {
  const column = columnOf([arrived, own, mass]);
  const sum = [figure(arrived, column), " + ", figure(own, column)];
  const tens = factor(column.power);
  return [
    says("Its mass is what the units after it gave, and its own intercept:"),
    line(it("m"), " = Σ", low("k"), " share", low("k"), " ", it("m"), low("k"), " + own"),
    line(
      it("m"),
      " = ",
      ...(tens ? ["(", ...sum, ") ", tens] : sum),
      " = ",
      figure(mass, column),
      " ",
      tens,
    ),
  ];
}

function sharing({ rule, formula: phi, gives }: UnitAnswer): HTMLElement[] {
  if (gives.count === 0) return [];
  if (phi === "")
    return [says("No rule decides here: the mass follows the value that it belongs to.")];
  return [
    says(`The rule ${rule} shares it on by the strength of each input:`),
    line(
      "share",
      low("p"),
      " = ",
      fraction(["φ", low("p")], ["Σ φ"]),
      el("span", { class: "where" }, ", "),
      el("span", { class: "phi" }, ...powers(phi)),
      el("span", { class: "where" }, ", "),
      it("s"),
      low("p"),
      " = ",
      it("w"),
      low("p"),
      " ",
      it("x"),
      low("p"),
    ),
  ];
}

function largest(answer: UnitAnswer, labelOf: FormulaView["labelOf"]): HTMLElement[] {
  const [term] = answer.gives.terms;
  if (!term) return [];
  const label = labelOf(term);
  const name = `${label.frame} ${label.unit}`.trim();
  const column = columnOf([term.mass, answer.mass]);
  const tens = factor(column.power);
  return [
    says(`For the largest, ${name}:`),
    line(
      it("s"),
      " = ",
      number(term.weight),
      " × ",
      number(term.value),
      " = ",
      number(term.strength),
    ),
    line(
      "gets ",
      number(term.share),
      " × ",
      figure(answer.mass, column),
      " ",
      tens,
      " = ",
      figure(term.mass, column),
      " ",
      tens,
    ),
  ];
}

function gradient({ value, grad }: UnitAnswer): HTMLElement[] {
  const part = value === null || grad === null ? null : value * grad;
  return [
    says("Beside its mass the cut holds its gradient part:"),
    line("grad · value = ", number(grad), " × ", number(value), " = ", number(part)),
  ];
}
