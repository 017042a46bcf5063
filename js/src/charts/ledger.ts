/**
 * Two sums on paper: what one stop passes on, and what its cut adds up to.
 *
 * Every figure is text with the decimals of its column, and carries the exact number in `data-value`.
 * The residual is shown as it is, beside the tolerance that it is held against. Stepping writes into the
 * rows; it makes none.
 */

import { el } from "../dom";
import { compact, decimalsFor, exactly, fixed } from "../figures";
import { type Figure, type Film, type Frame, type Level, stopAt } from "../film";
import { balance } from "./balance";
import { type Sums, sumsAt } from "./stops";

export interface LedgerView {
  film: Film;
  /** The stop of the level at or before which it stands is shown. */
  frame: number;
  level: Level;
  /** The target in words: a class, or one class rather than another. */
  target: string;
}

/** A block lies between two cuts; a layer and an op are nodes with an arrival of their own. */
const WORDS: Record<Level, Record<"arriving" | "added" | "unshared" | "passed", string>> = {
  blocks: {
    arriving: "arriving, on the cut before this block",
    added: "+ added inside this block",
    unshared: "− unshared inside this block",
    passed: "= passed on, on the cut after it",
  },
  layers: {
    arriving: "arriving here",
    added: "+ added by this layer's bias",
    unshared: "− unshared here",
    passed: "= passed on toward the input",
  },
  ops: {
    arriving: "arriving here",
    added: "+ added by this op",
    unshared: "− unshared here",
    passed: "= passed on toward the input",
  },
};

export function ledger() {
  const where = el("span", { class: "soft" });
  const arriving = row("arriving");
  const added = row("intercept");
  const unshared = row("unshared");
  const passed = row("passed", "sum");
  const gradient = row("cut_gradient", "gradient");
  const bias = row("cut_bias", "bias");
  const since = row("stop_added", "since");
  const lost = row("cut_unshared");
  const target = row("target", "sum");
  const whole = row("total_bias", "sum");
  const mark = el("span", { role: "img" });
  target.figure.after(mark);
  const beam = balance();
  const residual = note("residual");
  const soFar = note("unshared", "unshared_so_far");
  const tolerance = note("tolerance");
  const node = el(
    "section",
    { class: "bbp-ledger", "aria-label": "Ledger of this step" },
    el("h4", {}, el("span", {}, "Ledger"), where),
    table("what this step passes on", arriving, added, unshared, passed),
    beam.node,
    table("what the cut after this step adds up to", gradient, bias, since, lost, target),
    el("p", { class: "check" }, residual.node, soFar.node, tolerance.node),
    table("the whole walk", whole),
  );
  const end = whole.node.closest("table");
  end?.classList.add("whole");
  let known: { film: Film; decimals: number } | null = null;

  return {
    node,
    update({ film, frame: asked, level, target: name }: LedgerView) {
      const stops = film.levels[level];
      const index = stopAt(stops, asked);
      const frame = film.frames[stops[index]?.frame ?? asked];
      if (!frame) return;
      if (known?.film !== film) {
        const { value, bias: b, gradient: wx } = film.totals;
        known = { film, decimals: decimalsFor([value, b, wx]) };
      }
      const { decimals } = known;
      const sums = sumsAt(film, level, index);
      const words = WORDS[level];
      const atInput = index === stops.length - 1;
      const put = (one: Row, says: string, value: Figure) => one.put(says, value, decimals);

      where.textContent = `step ${index} of ${stops.length - 1}`;
      put(arriving, words.arriving, sums.arriving);
      put(added, words.added, sums.added);
      put(unshared, words.unshared, sums.unshared);
      put(passed, atInput ? "= bias attribution of the input" : words.passed, sums.passed);
      // At the input nothing is added as a rule: two equal lines need no third between them.
      added.node.hidden = atInput && sums.added === 0;
      unshared.node.hidden = sums.unshared === 0;

      put(
        gradient,
        atInput ? "w·x, gradient part" : "gradient part of this cut",
        frame.cut_gradient,
      );
      put(bias, atInput ? "+ b, bias part" : biasWords(level), frame.cut_bias);
      bias.node.classList.toggle("below", (frame.cut_bias ?? 0) < 0);
      since.node.hidden = sums.between === 0;
      put(since, sinceWords(sums, decimals), total(sums));
      put(lost, "+ unshared so far", frame.cut_unshared);
      lost.node.hidden = frame.cut_unshared === 0;
      put(target, `= ${name}`, film.totals.value);
      checkMark(mark, frame, film.totals.tolerance);
      beam.update(film, frame);
      residual.put(frame.residual);
      soFar.put(frame.cut_unshared);
      tolerance.put(film.totals.tolerance);
      put(whole, "Σ bias = b = f − w·x", film.totals.bias);
      if (end) end.hidden = !atInput;
    },
    destroy() {},
  };
}

function biasWords(level: Level): string {
  return level === "blocks" ? "+ bias part of this cut" : "+ bias part of this cut, all branches";
}

function total({ added, between }: Sums): Figure {
  return added === null || between === null ? null : added + between;
}

/** What came onto the cut since the stop before, where quiet steps between added some of it. */
function sinceWords({ between }: Sums, decimals: number): string {
  return `of it added since the last stop, ${fixed(between, decimals)} of that between the stops`;
}

function checkMark(mark: HTMLElement, { exact, residual }: Frame, tolerance: Figure): void {
  const is = exact ? "within" : "beyond";
  mark.className = exact ? "ok" : "off";
  mark.textContent = exact ? "✓" : "✗";
  mark.setAttribute("aria-label", exact ? "exact" : "not exact");
  mark.title = `residual ${compact(residual, 2)} is ${is} the tolerance ${compact(tolerance, 2)}`;
}

interface Row {
  node: HTMLTableRowElement;
  figure: HTMLElement;
  put(says: string, value: Figure, decimals: number): void;
}

function row(key: string, kind = ""): Row {
  const words = el("th", { scope: "row" });
  const figure = el("span", { class: "value", "data-key": key });
  const node = el("tr", { class: kind }, words, el("td", {}, figure));
  return {
    node,
    figure,
    put(says, value, decimals) {
      words.textContent = says;
      figure.textContent = fixed(value, decimals);
      figure.dataset.value = exactly(value);
    },
  };
}

function table(says: string, ...rows: Row[]): HTMLTableElement {
  return el("table", { "aria-label": says }, el("tbody", {}, ...rows.map(({ node }) => node)));
}

function note(says: string, key = says) {
  const figure = el("b", { "data-key": key });
  return {
    node: el("span", {}, `${says} `, figure),
    put(value: Figure) {
      figure.textContent = compact(value, 2);
      figure.dataset.value = exactly(value);
    },
  };
}
