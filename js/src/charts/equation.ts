/**
 * The walk's equation at one unit, in figures: what came and from where, and who gets it.
 *
 * Figures of a column have the same decimals and a common power of ten, said in the head; every figure
 * carries the exact number. What is not shown of the terms is added up in "the other n".
 */

import type { Come, Given, UnitAnswer } from "../detail";
import { button, el } from "../dom";
import { exactly } from "../figures";
import type { Figure } from "../film";
import { type Column, columnOf, factor, inColumn, percent, percentDecimals } from "../tenfold";

export interface EquationEvents {
  onGo(unit: { frame: number; at: number[] }): void;
}

export interface EquationView {
  answer: UnitAnswer;
  /** What a unit is called: its frame's name, short, and its place. */
  labelOf(term: { frame: number; at: number[]; name: string }): Label;
}

export interface Label {
  frame: string;
  /** The frame's name without what stands before its last dots. */
  short: string;
  unit: string;
  /** Null where the film has no such unit to go to. */
  go: { frame: number; at: number[] } | null;
}

const FEW = 6;

export function equation({ onGo }: EquationEvents) {
  const comes = el("tbody");
  const comesHead = el("tr");
  const gives = el("tbody");
  const givesHead = el("tr");
  const comesTable = el(
    "table",
    { class: "comes", "aria-label": "where the mass came from" },
    el("thead", {}, comesHead),
    comes,
  );
  const givesTable = el(
    "table",
    { class: "gives", "aria-label": "what the mass is shared on" },
    el("thead", {}, givesHead),
    gives,
  );
  const more = button({ class: "link more" }, () => {
    open = !open;
    if (view) draw(view);
  });
  const end = el("p", { class: "soft" }, "This is the input: the mass stays here.");
  const node = el("div", { class: "equation" }, comesTable, givesTable, end, more);
  let open = false;
  let view: EquationView | null = null;

  function draw({ answer, labelOf }: EquationView) {
    const shown = open ? Number.POSITIVE_INFINITY : FEW;
    drawComes(answer, labelOf, shown);
    drawGives(answer, labelOf, shown);
    const hidden = Math.max(answer.comes.terms.length, answer.gives.terms.length) - FEW;
    more.hidden = hidden <= 0;
    more.textContent = open ? "fewer terms" : `… ${hidden} more ${hidden === 1 ? "term" : "terms"}`;
    givesTable.hidden = answer.gives.count === 0;
    end.hidden = answer.gives.count > 0;
  }

  function drawComes(answer: UnitAnswer, labelOf: EquationView["labelOf"], few: number) {
    const { terms, count, rest_part } = answer.comes;
    const shown = terms.slice(0, few);
    const folded = terms.slice(few);
    const labels = shown.map(labelOf);
    const [common, names] = naming(labels);
    const rest = add([rest_part, ...folded.map(({ part }) => part)]);
    const came = columnOf([...terms.map(({ part }) => part), rest, answer.own, answer.mass]);
    const whole = columnOf(terms.map(({ mass }) => mass));
    const decimals = percentDecimals(terms.map(({ share }) => share));
    comesHead.replaceChildren(
      nameHeading("from", common),
      heading("share"),
      heading("of its mass", whole.power),
      heading("came", came.power),
    );
    const rows = shown.map((term, index) =>
      comesRow(term, labels[index], names[index], { came, whole, decimals, onGo }),
    );
    const others = count - shown.length;
    if (others > 0) rows.push(sumRow("other", `the other ${others}`, 2, rest, came));
    if (count === 0) rows.push(sumRow("other", "nothing came from further on", 2, 0, came));
    rows.push(sumRow("own", "+ own intercept", 2, answer.own, came));
    rows.push(sumRow("sum mass", "= mass of the unit", 2, answer.mass, came));
    comes.replaceChildren(...rows);
  }

  function drawGives(answer: UnitAnswer, labelOf: EquationView["labelOf"], few: number) {
    const { terms, count, rest_share, rest_mass } = answer.gives;
    const shown = terms.slice(0, few);
    const folded = terms.slice(few);
    const labels = shown.map(labelOf);
    const [common, names] = naming(labels);
    const restShare = add([rest_share, ...folded.map(({ share }) => share)]);
    const restMass = add([rest_mass, ...folded.map(({ mass }) => mass)]);
    const columns: GivesColumns = {
      gets: columnOf([...terms.map(({ mass }) => mass), restMass, answer.mass]),
      weight: columnOf(terms.map(({ weight }) => weight)),
      value: columnOf(terms.map(({ value }) => value)),
      decimals: percentDecimals([...terms.map(({ share }) => share)]),
      widest: Math.max(0, ...terms.map(({ share }) => Math.abs(share ?? 0))),
      onGo,
    };
    givesHead.replaceChildren(
      nameHeading("shared on", common),
      heading("w", columns.weight.power),
      heading("x", columns.value.power),
      heading("share"),
      heading("gets", columns.gets.power),
    );
    const rows = shown.map((term, index) => givesRow(term, labels[index], names[index], columns));
    const others = count - shown.length;
    const whole = add([...shown.map(({ share }) => share), others > 0 ? restShare : 0]);
    const given = add([...shown.map(({ mass }) => mass), others > 0 ? restMass : 0]);
    if (others > 0) {
      rows.push(shareRow("other", `the other ${others} inputs`, restShare, restMass, columns));
    }
    if (answer.unshared !== 0) {
      rows.push(shareRow("unshared", "unshared", null, answer.unshared, columns));
    }
    rows.push(
      shareRow("sum total", "mass of the unit", whole, add([given, answer.unshared]), columns),
    );
    gives.replaceChildren(...rows);
  }

  return {
    node,
    update(next: EquationView) {
      if (next.answer !== view?.answer) open = false;
      view = next;
      draw(next);
    },
  };
}

/** A row's name in two parts: a long name of a frame is cut, the place never. */
interface Name {
  frame: string;
  unit: string;
}

/** Where all terms are units of one frame its name stands in the head, and the rows have only places. */
function naming(labels: Label[]): [Label | null, Name[]] {
  const frames = new Set(labels.map(({ frame }) => frame));
  if (frames.size > 1) return [null, labels.map(({ short, unit }) => ({ frame: short, unit }))];
  const names = labels.map(({ short, unit }) => ({ frame: unit === "" ? short : "", unit }));
  return [labels[0] ?? null, names];
}

/** A sum that is not known where one of its parts is not. */
export function add(parts: readonly Figure[]): Figure {
  return parts.reduce<Figure>(
    (sum, part) => (sum === null || part === null ? null : sum + part),
    0,
  );
}

function nameHeading(says: string, common: Label | null): HTMLElement {
  const text = common ? `${says} ${common.short}` : says;
  return el("th", { scope: "col", class: "name", title: common?.frame }, text);
}

function heading(text: string, power = 0): HTMLElement {
  const cell = el("th", { scope: "col" }, text);
  if (power !== 0) cell.append(" ", el("span", { class: "power" }, factor(power)));
  return cell;
}

function nameCell(
  label: Label | undefined,
  name: Name | undefined,
  onGo: EquationEvents["onGo"],
): HTMLElement {
  const whole = `${label?.frame ?? ""} ${label?.unit ?? ""}`.trim();
  const parts = [
    el("span", { class: "frame" }, name?.frame ?? ""),
    " ",
    el("span", {}, name?.unit ?? ""),
  ];
  const go = label?.go;
  const inner = go
    ? button({ class: "term", title: `go to ${whole}` }, () => onGo(go), ...parts)
    : el("span", { class: "term", title: whole }, ...parts);
  return el("th", { scope: "row", class: "name" }, inner);
}

function figureCell(key: string, value: Figure, text: string, ...before: Node[]): HTMLElement {
  return el("td", {}, ...before, el("b", { "data-key": key, "data-value": exactly(value) }, text));
}

interface ComesColumns {
  came: Column;
  whole: Column;
  decimals: number;
  onGo: EquationEvents["onGo"];
}

function comesRow(
  term: Come,
  label: Label | undefined,
  name: Name | undefined,
  columns: ComesColumns,
) {
  const { came, whole, decimals, onGo } = columns;
  return el(
    "tr",
    { "data-frame": term.frame, "data-at": term.at.join(",") },
    nameCell(label, name, onGo),
    figureCell("share", term.share, percent(term.share, decimals)),
    figureCell("whole", term.mass, inColumn(term.mass, whole)),
    figureCell("part", term.part, inColumn(term.part, came)),
  );
}

interface GivesColumns {
  gets: Column;
  weight: Column;
  value: Column;
  decimals: number;
  widest: number;
  onGo: EquationEvents["onGo"];
}

function givesRow(
  term: Given,
  label: Label | undefined,
  name: Name | undefined,
  columns: GivesColumns,
) {
  const { gets, weight, value, decimals, widest, onGo } = columns;
  const bar = el("i", { class: (term.mass ?? 0) < 0 ? "size below" : "size" });
  bar.style.width = `${widest > 0 ? ((100 * Math.abs(term.share ?? 0)) / widest).toFixed(1) : 0}%`;
  const track = el("span", { class: "track", "aria-hidden": "true" }, bar);
  return el(
    "tr",
    { "data-frame": term.frame, "data-at": term.at.join(",") },
    nameCell(label, name, onGo),
    figureCell("weight", term.weight, inColumn(term.weight, weight)),
    figureCell("value", term.value, inColumn(term.value, value)),
    figureCell("share", term.share, percent(term.share, decimals), track),
    figureCell("mass", term.mass, inColumn(term.mass, gets)),
  );
}

/** A row without a share: its name runs over the columns that it has nothing for. */
function sumRow(kind: string, name: string, over: number, value: Figure, column: Column) {
  const head = el("th", { scope: "row", class: "name", colspan: over + 1 }, name);
  const key = kind.split(" ").at(-1) ?? kind;
  return el("tr", { class: kind }, head, figureCell(key, value, inColumn(value, column)));
}

function shareRow(
  kind: string,
  name: string,
  share: Figure,
  mass: Figure,
  { gets, decimals }: GivesColumns,
) {
  const head = el("th", { scope: "row", class: "name", colspan: 3 }, name);
  const key = kind.split(" ").at(-1) ?? kind;
  const part =
    kind === "unshared"
      ? el("td")
      : figureCell(`${key}-share`, share, wholePercent(share, decimals));
  return el("tr", { class: kind }, head, part, figureCell(key, mass, inColumn(mass, gets)));
}

/** All of it is 100 %, without decimals that would say nothing. */
function wholePercent(share: Figure, decimals: number): string {
  return share !== null && Math.abs(share - 1) < 5e-7 ? "100 %" : percent(share, decimals);
}
