/**
 * Two sums on paper: what one step passes on, and what its cut adds up to.
 *
 * Every figure is text with the decimals of its column, and carries the exact number in `data-value`.
 * The residual is shown as it is, beside the tolerance that it is held against.
 */

import { el } from "../dom";
import { compact, decimalsFor, exactly, fixed } from "../figures";
import type { Figure, Film, Frame } from "../film";
import { balance } from "./balance";

export interface LedgerView {
  film: Film;
  step: number;
  /** The target in words: a class, or one class rather than another. */
  target: string;
}

export function ledger() {
  const where = el("span", { class: "soft" });
  const passing = el("tbody");
  const cut = el("tbody");
  const whole = el("tbody");
  const beam = balance();
  const check = el("p", { class: "check" });
  const node = el(
    "section",
    { class: "bbp-ledger", "aria-label": "Ledger of this step" },
    el("h4", {}, el("span", {}, "Ledger"), where),
    el("table", {}, passing),
    beam.node,
    el("table", {}, cut),
    check,
    el("table", { class: "whole" }, whole),
  );

  return {
    node,
    update({ film, step, target }: LedgerView) {
      const frame = film.frames[step];
      if (!frame) return;
      const decimals = decimalsFor([film.totals.value, film.totals.bias, film.totals.gradient]);
      const line = (key: string, says: string, value: Figure, kind = "") =>
        row({ key, says, value, kind, text: fixed(value, decimals) });
      const atInput = step === film.frames.length - 1;

      where.textContent = `step ${step} of ${film.frames.length - 1}`;
      passing.replaceChildren(...passingRows(frame, atInput, line));
      cut.replaceChildren(...cutRows({ frame, target, value: film.totals.value, atInput }, line));
      beam.update(film, step);
      check.replaceChildren(...checkLine(frame, film.totals.tolerance));
      whole.replaceChildren(...(atInput ? [wholeRow(film, line)] : []));
    },
    destroy() {},
  };
}

type Line = (key: string, says: string, value: Figure, kind?: string) => HTMLTableRowElement;

function passingRows(frame: Frame, atInput: boolean, line: Line): HTMLTableRowElement[] {
  const rows = [line("arriving", "arriving here", frame.arriving)];
  if (atInput)
    return rows.concat(line("passed", "= bias attribution of the input", sumOf(frame), "sum"));
  rows.push(line("intercept", "+ added by this layer's bias", frame.intercept));
  if (frame.unshared !== 0) rows.push(line("unshared", "− unshared here", frame.unshared));
  rows.push(line("passed", "= passed on toward the input", sumOf(frame), "sum"));
  return rows;
}

function sumOf({ arriving, intercept, unshared }: Frame): Figure {
  if (arriving === null || intercept === null || unshared === null) return null;
  return arriving + intercept - unshared;
}

interface Cut {
  frame: Frame;
  target: string;
  value: Figure;
  atInput: boolean;
}

function cutRows({ frame, target, value, atInput }: Cut, line: Line): HTMLTableRowElement[] {
  const bias = atInput ? "+ b, bias part" : "+ bias part of this cut, all branches";
  const rows = [
    line(
      "cut_gradient",
      atInput ? "w·x, gradient part" : "gradient part of this cut",
      frame.cut_gradient,
      "gradient",
    ),
    line("cut_bias", bias, frame.cut_bias, (frame.cut_bias ?? 0) < 0 ? "bias below" : "bias"),
  ];
  if (frame.cut_unshared !== 0) {
    rows.push(line("cut_unshared", "+ unshared so far", frame.cut_unshared));
  }
  const sum = line("target", `= ${target}`, value, "sum");
  const mark = el(
    "span",
    {
      class: frame.exact ? "ok" : "off",
      role: "img",
      "aria-label": frame.exact ? "exact" : "not exact",
    },
    frame.exact ? "✓" : "✗",
  );
  sum.lastElementChild?.append(mark);
  return [...rows, sum];
}

/** The last line of the walk: what the input holds is what the target has beyond w·x. */
function wholeRow({ totals }: Film, line: Line): HTMLTableRowElement {
  return line("total_bias", "Σ bias = b = f − w·x", totals.bias, "sum");
}

function checkLine(frame: Frame, tolerance: Figure): HTMLElement[] {
  const part = (key: string, says: string, value: Figure) =>
    el(
      "span",
      {},
      `${says} `,
      el("b", { "data-key": key, "data-value": exactly(value) }, compact(value, 2)),
    );
  return [
    part("residual", "residual", frame.residual),
    part("cut_unshared", "unshared", frame.cut_unshared),
    part("tolerance", "tolerance", tolerance),
  ];
}

interface Row {
  key: string;
  says: string;
  value: Figure;
  text: string;
  kind: string;
}

function row({ key, says, value, text, kind }: Row): HTMLTableRowElement {
  const figure = el(
    "span",
    { class: "value", "data-key": key, "data-value": exactly(value) },
    text,
  );
  return el("tr", { class: kind }, el("th", { scope: "row" }, says), el("td", {}, figure));
}
