/**
 * The dimmer: w·x + t·b for every class, so that the ranking changes while the bias fades in.
 *
 * Rows keep their place in the document while a hand drags, and are put in the order of their scores when it
 * rests: a node that is moved loses its transition, and its focus.
 */

import { type Detail, keyOf, type PartsAnswer, type PartsQuestion } from "../detail";
import { button, el } from "../dom";
import { compact, decimalsFor, exactly, fixed } from "../figures";
import type { Film, Setup } from "../film";
import type { Look, OnLook } from "../look";
import { changesOf, leaderAt, scoreAt } from "./crossings";
import { classLabel } from "./targets";

export interface ClassesView {
  film: Film;
  look: Look;
  setup: Setup;
  detail(question: PartsQuestion): Detail<PartsAnswer> | null;
}

export interface ClassesEvents {
  onLook: OnLook;
  onAsk(question: PartsQuestion): void;
}

/** As many as one can compare at a glance. */
const TOP = 8;
/** Nobody is left out for two or three: so many classes are all shown. */
const FEW = 10;
const ROW = 26;
const TICKS = 200;

interface Row {
  node: HTMLButtonElement;
  name: HTMLElement;
  marks: HTMLElement;
  gradient: HTMLElement;
  bias: HTMLElement;
  figure: HTMLElement;
}

export function classes({ onLook, onAsk }: ClassesEvents) {
  const input = el("input", {
    type: "range",
    min: 0,
    max: TICKS,
    step: 1,
    "aria-label": "t, the part of the bias",
  });
  const figure = el("output", { class: "figure" });
  const dimmer = el(
    "label",
    { class: "bbp-slider dimmer" },
    el("span", { class: "key" }, "w·x + t·b,  t ="),
    input,
    figure,
  );
  const marks = el("span", { class: "crossings", "aria-hidden": "true" });
  dimmer.insertBefore(el("span", { class: "track" }, input, marks), figure);
  const says = el("p", { class: "changes" });
  const live = el("p", { class: "bbp-unseen", role: "status" });
  const list = el("div", { class: "ranking", role: "group", "aria-label": "Classes by score" });
  const legend = el(
    "p",
    { class: "soft legend" },
    el("span", { class: "swatch gradient" }, el("i", { "aria-hidden": "true" }), "w·x"),
    el("span", { class: "swatch above" }, el("i", { "aria-hidden": "true" }), "t·b above zero"),
    el("span", { class: "swatch below" }, el("i", { "aria-hidden": "true" }), "t·b below zero"),
  );
  const others = el("p", { class: "soft others" });
  const chart = el(
    "div",
    { class: "whole" },
    el("div", { class: "top" }, dimmer, says),
    list,
    others,
    legend,
  );
  const words = el("p", { class: "soft" });
  const again = button({ class: "link" }, () => ask(), "ask again");
  const absent = el("div", { class: "absent" }, words, again);
  const node = el(
    "section",
    { class: "bbp-classes", "aria-label": "Classes as the bias fades in" },
    el("h4", {}, el("span", { class: "title" }, "What w·x and b say of every class")),
    chart,
    absent,
    live,
  );

  const rows = new Map<number, Row>();
  let view: ClassesView | null = null;
  let parts: PartsAnswer | null = null;
  let limits = { low: 0, high: 1 };
  let decimals = 3;
  let order: number[] = [];
  let asked = "";
  let painted = "";
  let timer: ReturnType<typeof setTimeout> | undefined;

  function ask() {
    if (!view) return;
    const question: PartsQuestion = { kind: "parts", sample: view.film.state.sample };
    asked = keyOf(question);
    onAsk(question);
  }

  input.addEventListener("input", () => {
    const t = Number(input.value) / TICKS;
    paint(t);
    onLook({ dim: t }, true);
  });
  input.addEventListener("change", () => onLook({ dim: Number(input.value) / TICKS }));
  input.addEventListener("dblclick", () => onLook({ dim: 1 }));

  function take(answer: PartsAnswer, { setup }: ClassesView) {
    parts = answer;
    const sums = answer.gradient.map((_, index) => scoreAt(answer, index, 1));
    decimals = decimalsFor(
      sums.map((sum) => (Number.isNaN(sum) ? null : sum)),
      4,
    );
    const name = (index: number) => classLabel(setup.classes, index);
    const changes = changesOf(answer);
    const last = leaderAt(answer, 1);
    says.replaceChildren(
      ...(changes.length === 0 && last !== null
        ? [`${name(last)} is ahead for every t: b does not change the answer`]
        : sentences(changes, name)),
    );
    says.dataset.value = String(changes.length);
    marks.replaceChildren(
      ...changes.map(({ t }) => {
        const tick = el("i");
        tick.style.left = `${100 * t}%`;
        return tick;
      }),
    );
  }

  /** Every row that is in sight at some t keeps its scale: bars that rescale cannot be compared. */
  function scale(answer: PartsAnswer, shown: number[]) {
    let low = 0;
    let high = 0;
    for (const index of shown) {
      const start = answer.gradient[index] ?? 0;
      for (const end of [start, start + (answer.bias[index] ?? 0)]) {
        low = Math.min(low, end);
        high = Math.max(high, end);
      }
    }
    limits = { low: Math.min(low, limits.low), high: Math.max(high, limits.high) };
  }

  function ranking(answer: PartsAnswer, t: number): number[] {
    const count = answer.gradient.length;
    const value = (index: number) => {
      const score = scoreAt(answer, index, t);
      return Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score;
    };
    const all = topOf(count, count <= FEW ? count : TOP, value);
    for (const index of [target(), label()]) {
      if (index !== null && index < count && !all.includes(index)) all.push(index);
    }
    return all.sort((a, b) => value(b) - value(a) || a - b);
  }

  function target(): number | null {
    return view?.film.target.index ?? null;
  }

  function label(): number | null {
    const name = view?.film.input.label ?? null;
    const index = name === null ? -1 : (view?.setup.classes?.indexOf(name) ?? -1);
    return index < 0 ? null : index;
  }

  function paint(t: number) {
    const { film, look } = view ?? {};
    const asking = [t, film?.key, film?.target.index, look?.versus].join(" ");
    if (asking === painted) return;
    painted = asking;
    figure.textContent = t.toFixed(2);
    input.setAttribute("aria-valuetext", `t ${t.toFixed(2)}`);
    if (!parts || !view) return;
    const answer = parts;
    const shown = ranking(answer, t);
    scale(answer, shown);
    for (const [index, row] of rows) {
      if (shown.includes(index)) continue;
      row.node.remove();
      rows.delete(index);
    }
    shown.forEach((index, place) => {
      const row = rows.get(index) ?? add(index);
      paintRow(row, index, place, t, answer);
    });
    order = shown;
    list.style.height = `${shown.length * ROW}px`;
    const left = answer.gradient.length - shown.length;
    others.hidden = left === 0;
    others.textContent = `${left} more ${left === 1 ? "class is" : "classes are"} below these`;
    clearTimeout(timer);
    timer = setTimeout(() => settle(t), 260);
  }

  function paintRow(row: Row, index: number, place: number, t: number, answer: PartsAnswer) {
    const start = answer.gradient[index] ?? null;
    const slope = answer.bias[index] ?? null;
    const score = scoreAt(answer, index, t);
    const isTarget = index === target();
    const notes = [
      isTarget ? "target" : "",
      index === view?.look.versus ? "rather than" : "",
      index === label() ? "label" : "",
    ].filter(Boolean);
    row.marks.textContent = notes.join(", ");
    row.node.style.transform = `translateY(${place * ROW}px)`;
    row.node.setAttribute("aria-pressed", String(isTarget));
    row.figure.textContent = fixed(Number.isNaN(score) ? null : score, decimals);
    row.figure.dataset.value = exactly(score);
    const name = classLabel(view?.setup.classes ?? null, index);
    row.node.title = `${name}: w·x ${compact(start, 4)}, b ${compact(slope, 4)}`;
    const from = start ?? 0;
    lay(row.gradient, 0, from);
    lay(row.bias, from, from + t * (slope ?? 0));
    row.bias.classList.toggle("below", (slope ?? 0) < 0);
  }

  function lay(bar: HTMLElement, from: number, to: number) {
    const span = limits.high - limits.low || 1;
    const left = (Math.min(from, to) - limits.low) / span;
    bar.style.left = `${(100 * left).toFixed(2)}%`;
    bar.style.width = `${((100 * Math.abs(to - from)) / span).toFixed(2)}%`;
  }

  function add(index: number): Row {
    const name = el("span", { class: "name" }, classLabel(view?.setup.classes ?? null, index));
    const notes = el("span", { class: "notes" });
    const gradient = el("i", { class: "gradient" });
    const bias = el("i", { class: "bias" });
    const score = el("b", {});
    const made = button(
      { class: "class-row", "data-key": index },
      () => {
        const versus = view?.look.versus === index ? { versus: null } : {};
        onLook({ target: index, ...versus });
      },
      el("span", { class: "who" }, name, notes),
      el("span", { class: "lane", "aria-hidden": "true" }, gradient, bias),
      score,
    );
    list.append(made);
    const row = { node: made, name, marks: notes, gradient, bias, figure: score };
    rows.set(index, row);
    return row;
  }

  /** At rest the document has the order that is seen, and the answer is spoken. */
  function settle(t: number) {
    const focused = document.activeElement;
    const nodes = order.flatMap((index) => rows.get(index)?.node ?? []);
    if (nodes.some((one, place) => list.children[place] !== one)) list.append(...nodes);
    if (focused instanceof HTMLElement && list.contains(focused)) {
      focused.focus({ preventScroll: true });
    }
    const first = order[0];
    if (first === undefined || !view) return;
    const name = classLabel(view.setup.classes, first);
    const text = `at t = ${t.toFixed(2)} ${name} is ahead`;
    if (live.textContent !== text) live.textContent = text;
  }

  return {
    node,
    update(next: ClassesView) {
      const fresh = view?.film.state.sample !== next.film.state.sample;
      view = next;
      const question: PartsQuestion = { kind: "parts", sample: next.film.state.sample };
      const detail = next.detail(question);
      if (detail === null && asked !== keyOf(question)) ask();
      const here = detail?.state === "here" ? detail.answer : null;
      chart.hidden = here === null;
      absent.hidden = here !== null;
      again.hidden = detail?.state !== "failed";
      if (!here) {
        words.textContent = wordsFor(detail);
        return;
      }
      if (fresh || here !== parts) {
        limits = { low: 0, high: 0 };
        for (const row of rows.values()) row.node.remove();
        rows.clear();
        parts = null;
      }
      if (parts === null) {
        take(here, next);
        painted = "";
        // What is ahead at either end decides the scale, so that it does not breathe while one drags.
        scale(here, [...ranking(here, 0), ...ranking(here, 1)]);
      }
      const { dim } = next.look;
      if (document.activeElement !== input || Number(input.value) !== Math.round(dim * TICKS)) {
        input.value = String(Math.round(dim * TICKS));
      }
      paint(dim);
    },
    destroy() {
      clearTimeout(timer);
    },
  };
}

function wordsFor(detail: Detail<PartsAnswer> | null): string {
  if (detail?.state === "failed") return `${detail.title}: ${detail.message}`;
  if (detail?.state === "offline") {
    return "What w·x and b say of every class was not saved with this page; a kernel can compute it.";
  }
  return "Asking what w·x and b say of every class.";
}

function sentences(
  changes: { t: number; from: number; to: number }[],
  name: (index: number) => string,
): (Node | string)[] {
  return changes.flatMap(({ t, from, to }, index) => [
    index === 0 ? "b makes it change from " : ", then from ",
    el("em", {}, name(from)),
    " to ",
    el("em", {}, name(to)),
    " at t = ",
    el("b", { "data-key": "crossing", "data-value": exactly(t) }, t.toFixed(t < 0.1 ? 3 : 2)),
  ]);
}

/** The few largest of many, without sorting them all. */
function topOf(count: number, few: number, value: (index: number) => number): number[] {
  const best: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const last = best.at(-1);
    if (best.length === few && last !== undefined && value(index) <= value(last)) continue;
    let place = best.length;
    while (place > 0 && value(index) > value(best[place - 1] ?? -1)) place -= 1;
    best.splice(place, 0, index);
    if (best.length > few) best.pop();
  }
  return best;
}
