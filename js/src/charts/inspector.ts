/** The equation of the unit that is selected: in numbers, in letters, and as the Python that gives the same. */

import { copier } from "../copy";
import { equationCsv } from "../csv";
import type { Detail, UnitAnswer, UnitQuestion } from "../detail";
import { keyOf } from "../detail";
import { button, el } from "../dom";
import { compact, exactly } from "../figures";
import type { Figure, Film, Setup } from "../film";
import { equationLatex } from "../latex";
import type { Look, OnLook } from "../look";
import { frameAt, inputAt, panesOf } from "../panes";
import { holds, unitText } from "../places";
import { PAGE } from "./atlas-layout";
import { equation, type Label } from "./equation";
import { formula } from "./formula";
import { tabs } from "./tabs";

export interface InspectorEvents {
  onLook: OnLook;
  onAsk(question: UnitQuestion): void;
  /** Politely, to a screen reader. */
  say(text: string): void;
}

export interface InspectorView {
  film: Film;
  look: Look;
  setup: Setup;
  detail(question: UnitQuestion): Detail<UnitAnswer> | null;
  /** The units of a film whose equations are here: all there is without a kernel. */
  kept(film: string): UnitQuestion[];
}

type Tab = "numbers" | "formula" | "python";
type Unit = { frame: number; at: number[] };

const NONE =
  "Select a unit to see its equation: click a cell of the channels, or go there with tab, the arrows and enter.";
const GONE = "The unit that was selected is not in this film.";
const ASKED = "Asking the kernel for the equation of this unit.";
const OFFLINE =
  "The equation of this unit is not kept in this page: it takes a kernel to work it out.";

export function inspector({ onLook, onAsk, say }: InspectorEvents) {
  const title = el("span", { class: "title" });
  const where = el("span", { class: "soft title" });
  const back = button({ class: "link back", hidden: true }, () => goBack(), "back");
  const clear = button({ class: "link clear" }, () => onLook({ unit: null }), "clear");
  const facts = el("p", { class: "facts" });
  const words = el("p", { class: "soft words" });
  const again = button({ class: "link" }, () => question && onAsk(question), "ask again");
  const offer = button({ class: "link offer", hidden: true }, () => offered && go(offered));
  const numbers = equation({ onGo: go });
  const letters = formula();
  const code = el("pre", {
    tabindex: 0,
    role: "region",
    "aria-label": "Python that gives the same figures",
  });
  const clipboard = copier({ say });
  const copies = el(
    "div",
    { class: "copies" },
    el("span", { class: "key" }, "copy"),
    copyButton("CSV", "the equation as CSV", (answer) => equationCsv(answer)),
    copyButton("LaTeX", "the equation as LaTeX", (answer) => equationLatex(answer, longName)),
    copyButton("Python", "the Python", (answer) => answer.python),
  );
  const forms = tabs<Tab>(
    "The equation",
    [
      { key: "numbers", label: "numbers", node: numbers.node },
      { key: "formula", label: "formula", node: letters.node },
      { key: "python", label: "Python", node: code },
    ],
    (key) => forms.update(key),
  );
  const body = el("div", { class: "body-of-unit" }, facts, forms.node, copies, clipboard.node);
  const node = el(
    "section",
    { class: "bbp-inspector", "aria-label": "Equation of the selected unit" },
    el("h4", {}, title, where, back, clear),
    el("div", { class: "state" }, words, again, offer),
    body,
  );
  forms.update("numbers");
  let view: InspectorView | null = null;
  let question: UnitQuestion | null = null;
  let answer: UnitAnswer | null = null;
  let drawn: unknown[] = [];
  /** A unit of this step whose equation is here, where that of the selected one is not. */
  let offered: Unit | null = null;
  /** The question that was put and not yet taken up, and the one whose answer is to be said aloud. */
  let askedFor = "";
  let awaited = "";
  /** Units that were left through a term of their equation, the last one last. */
  let trail: { unit: Unit; step: number }[] = [];
  let arrived = "";

  function copyButton(face: string, what: string, text: (answer: UnitAnswer) => string) {
    return clipboard.button({ face, what, class: "small", make: () => answer && text(answer) });
  }

  function go(unit: Unit) {
    if (!view) return;
    const { look } = view;
    if (look.unit) trail.push({ unit: look.unit, step: look.step });
    arrived = keyOfUnit(unit);
    onLook({ unit, step: unit.frame, ...pageOf(unit) });
  }

  /** Turn to the page that the unit's channel is on: by mass only the first page is known here. */
  function pageOf({ frame, at }: Unit): Partial<Pick<Look, "page" | "sort">> {
    const tensor = view ? frameAt(view.film, frame)?.tensor : undefined;
    const channel = at[0] ?? 0;
    if (tensor?.kind !== "maps") return { page: 0 };
    if (view?.look.sort === "mass" && tensor.shown.includes(channel)) return { page: 0 };
    return { page: Math.floor(channel / PAGE), sort: "index" };
  }

  function goBack() {
    const last = trail.pop();
    if (!last) return;
    arrived = keyOfUnit(last.unit);
    onLook({ unit: last.unit, step: last.step, ...pageOf(last.unit) });
  }

  function labelOf({ frame, at, name }: { frame: number; at: number[]; name: string }): Label {
    const there = view ? frameAt(view.film, frame) : undefined;
    const called = there ? nameIn(frame, at) : null;
    return {
      frame: there?.name ?? name,
      short: shorten(there?.name ?? name),
      unit: called ?? unitText(there?.grid, at),
      go: there && holds(there.grid, at) ? { frame, at } : null,
    };
  }

  function longName(term: { frame: number; at: number[]; name: string }): string {
    const there = view ? frameAt(view.film, term.frame) : undefined;
    const unit = nameIn(term.frame, term.at) ?? unitText(there?.grid, term.at);
    return `${there?.name ?? term.name} ${unit}`.trim();
  }

  /** Only the two ends have units with names: classes, and the columns of a table. */
  function nameIn(frame: number, at: number[]): string | null {
    if (!view || at.length !== 1) return null;
    const { film, setup } = view;
    const index = at[0] ?? 0;
    if (frame === 0) return setup.classes?.[index] ?? null;
    const place = inputAt(film, frame);
    const input = place === null ? null : panesOf(film)[place]?.input;
    return input?.kind === "vector" ? (input.names?.[index] ?? null) : null;
  }

  /** A short line of words in place of the equation; the height stays while the next one is on its way. */
  function state(text: string, { retry = false, hold = false } = {}) {
    // Asking how tall it is costs a layout, which every step would pay.
    const tall = hold && answer ? node.offsetHeight : 0;
    if (tall > 0) node.style.minHeight = `${tall}px`;
    else if (!hold) node.style.minHeight = "";
    answer = null;
    words.textContent = text;
    again.hidden = !retry;
    offer.hidden = true;
    words.parentElement?.toggleAttribute("hidden", false);
    body.hidden = true;
  }

  /** Without a kernel there are some units to look at, and nothing on the atlas tells which. */
  function offerKept({ film, look, kept }: InspectorView) {
    const frame = look.unit?.frame ?? look.step;
    const here = kept(film.key).find((unit) => unit.frame === frame);
    offered = here ? { frame, at: here.unit } : null;
    offer.hidden = offered === null;
    const grid = frameAt(film, frame)?.grid;
    if (offered) offer.textContent = `show ${unitText(grid, offered.at)}, which is kept`;
  }

  function show(next: UnitAnswer, name: string) {
    const other = next !== answer;
    answer = next;
    words.parentElement?.toggleAttribute("hidden", true);
    body.hidden = false;
    node.style.minHeight = "";
    if (!other) return;
    clipboard.hide();
    facts.replaceChildren(...factsOf(next));
    numbers.update({ answer: next, labelOf });
    letters.update({ answer: next, labelOf });
    code.textContent = next.python;
    if (awaited === keyOf(question ?? {})) say(`${name}: mass ${compact(next.mass)}`);
    awaited = "";
  }

  return {
    node,
    update(next: InspectorView) {
      const { film, look } = next;
      const { unit } = look;
      view = next;
      const frame = unit ? frameAt(film, unit.frame) : undefined;
      clear.hidden = unit === null;
      if (!unit || keyOfUnit(unit) !== arrived) trail = [];
      back.hidden = trail.length === 0;
      if (!unit || !frame || !holds(frame.grid, unit.at)) {
        question = null;
        drawn = [];
        title.textContent = "Equation of a unit";
        where.textContent = "";
        state(unit ? GONE : NONE);
        if (next.setup.offline) offerKept(next);
        return;
      }
      question = { kind: "unit", film: film.key, frame: unit.frame, unit: unit.at };
      const detail = next.detail(question);
      const now = [film, keyOf(question), next.setup, detail];
      if (detail !== null && now.every((one, index) => one === drawn[index])) return;
      drawn = now;
      const name = nameIn(unit.frame, unit.at) ?? unitText(frame.grid, unit.at);
      title.textContent = `Unit ${name}`;
      where.textContent = `of ${frame.name}`;
      where.title = frame.name;
      if (detail !== null) askedFor = "";
      if (detail?.state === "here") return show(detail.answer, name);
      if (detail?.state === "failed") {
        return state(`${detail.title}: ${detail.message}`, { retry: true });
      }
      if (detail?.state === "offline") {
        state(OFFLINE);
        return offerKept(next);
      }
      state(ASKED, { hold: true });
      const key = keyOf(question);
      if (detail !== null || key === askedFor) return;
      askedFor = key;
      awaited = key;
      onAsk(question);
    },
    destroy() {},
  };
}

function keyOfUnit({ frame, at }: Unit): string {
  return `${frame}: ${at.join()}`;
}

/** The last part of a dotted name: the whole of it is in the title. */
function shorten(name: string): string {
  const parts = name.split(".");
  return parts.length > 2 ? parts.slice(-2).join(".") : name;
}

function factsOf({ value, grad, rule }: UnitAnswer): (Node | string)[] {
  const fact = (key: string, says: string, figure: Figure) =>
    el(
      "span",
      {},
      `${says} `,
      el("b", { "data-key": key, "data-value": exactly(figure) }, compact(figure, 4)),
    );
  const facts: HTMLElement[] = [
    fact("unit-value", "value", value),
    fact("unit-grad", "grad", grad),
  ];
  if (rule !== "") facts.push(el("span", {}, `rule ${rule}`));
  return facts;
}
