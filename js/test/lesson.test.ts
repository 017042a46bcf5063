import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Fake } from "../dev/fake-model";
import type { CardTraits } from "../src/contract";
import { type Door, openDoor } from "../src/door";
import type { Film } from "../src/film";
import {
  isRight,
  type Question,
  readSteps,
  truthText,
  typedIndices,
  typedNumber,
} from "../src/lesson";
import { FIRST_LOOK, type Look } from "../src/look";
import { dressParts, isPutAway, PARTS } from "../src/parts";
import type { Picking } from "../src/pixels";
import { inline, paragraphs, spokenText } from "../src/prose";
import { render } from "../src/widgets/lesson";
import { find, press } from "./helpers";
import { open } from "./page";
import { plainFilm } from "./plain-film";

const PLAIN = { stage: 0, look: {}, highlight: null, hide: [], question: null };
const ASKED = { ask: "How much?", right: "Indeed.", wrong: "Add them up.", show: {} };
const NUMBER = { ...ASKED, kind: "number", truth: 2.5, tolerance: 0.1 };
const CHOICE = { ...ASKED, kind: "choice", choices: ["a", "**b**", "c"], truth: 1 };

class Stage implements Door {
  node = document.createElement("div");
  now: Look = { ...FIRST_LOOK };
  changes: Partial<Look>[] = [];
  seen: Film | null = plainFilm();
  followers = new Set<() => void>();
  close = () => {};
  constructor(key = "stage") {
    this.node.innerHTML =
      '<div class="rail-box"></div><div class="bbp-ledger" tabindex="0"></div><div class="bbp-controls"></div>';
    document.body.append(this.node);
    this.close = openDoor(key, this);
  }
  look = () => this.now;
  film = () => this.seen;
  change(look: Partial<Look>) {
    this.changes.push(look);
    this.now = { ...this.now, ...look };
    for (const tell of this.followers) tell();
  }
  picking: Picking | null = null;
  pick(next: Picking | null) {
    this.picking = next;
  }
  /** Whether it has pictures to give the keys to. */
  pictures = false;
  focusPictures() {
    if (this.pictures) find<HTMLElement>(this.node, ".bbp-ledger").focus();
    return this.pictures;
  }
  follow(tell: () => void) {
    this.followers.add(tell);
    return () => this.followers.delete(tell);
  }
}

let still = true;
let stage: Stage;
const closers: (() => void)[] = [];

beforeEach(() => {
  still = true;
  globalThis.matchMedia = ((query: string) => ({
    matches: query.includes("reduced-motion") && still,
    addEventListener() {},
    removeEventListener() {},
  })) as unknown as typeof matchMedia;
  stage = new Stage();
});

afterEach(() => {
  for (const close of closers.splice(0)) close();
  stage.close();
  Reflect.deleteProperty(globalThis, "matchMedia");
});

function lesson(steps: unknown[], traits: Partial<CardTraits> = {}) {
  const model = new Fake<CardTraits>({
    stages: ["stage"],
    title: "By hand",
    steps: steps.map((step) => ({ text: "Look.", ...PLAIN, ...(step as object) })),
    hide: [],
    go: { step: 0, seq: 0 },
    at: {},
    answers: [],
    ...traits,
  });
  const el = document.createElement("div");
  document.body.append(el);
  const close = render({ model, el });
  closers.push(close);
  return { model, el, close };
}

const placeOf = (el: ParentNode) => find(el, ".place").textContent;
const verdictOf = (el: ParentNode) => find(el, ".verdict").textContent;

function type(el: ParentNode, text: string) {
  const input = find<HTMLInputElement>(el, "input[type=text]");
  input.value = text;
  input.focus();
  find(el, "form").dispatchEvent(new Event("submit", { cancelable: true }));
}

describe("a lesson", () => {
  test("goes on by button and by key, and tells Python where it is", () => {
    const { el, model } = lesson([{ look: { step: 1 } }, { look: { step: 2 } }, {}]);
    expect(placeOf(el)).toBe("1 of 3");
    expect(stage.now.step).toBe(1);
    find(el, ".next").click();
    expect(placeOf(el)).toBe("2 of 3");
    expect(stage.now.step).toBe(2);
    expect(model.get("at")).toEqual({ step: 1, seq: 0 });
    press(find(el, ".next"), "PageDown");
    press(find(el, ".next"), "PageDown");
    expect(placeOf(el)).toBe("3 of 3");
    press(find(el, ".next"), "ArrowLeft", { altKey: true });
    expect(placeOf(el)).toBe("2 of 3");
    press(find(el, ".next"), "ArrowRight");
    expect(placeOf(el)).toBe("2 of 3");
  });

  test("goes from one explorer to another: one is shown, and each keeps its look", () => {
    const other = new Stage("other");
    closers.push(other.close);
    const { el } = lesson(
      [
        { look: { step: 1 } },
        { stage: 1, look: { step: 2 }, hide: ["rail"] },
        { look: { step: 2 } },
      ],
      { stages: ["stage", "other"] },
    );
    const hidden = () => [stage, other].map(({ node }) => isPutAway(node));
    expect(hidden()).toEqual([false, true]);
    expect(other.changes).toEqual([]);
    const bar = find<HTMLElement>(stage.node, ".bbp-ledger");
    bar.focus();
    press(bar, "PageDown");
    expect(hidden()).toEqual([true, false]);
    expect(el.contains(document.activeElement)).toBe(true);
    expect([stage.now.step, other.now.step]).toEqual([1, 2]);
    press(find(other.node, ".bbp-ledger"), "PageDown");
    expect(hidden()).toEqual([false, true]);
    expect([stage.now.step, other.now.step]).toEqual([2, 2]);
  });

  test("an explorer that comes late is put away until its step, and has its pixels picked then", () => {
    const pixel = { ...ASKED, kind: "pixel", rows: [1, 1], columns: [2, 2] };
    const { el, close } = lesson([{}, { stage: 1, question: pixel }], {
      stages: ["stage", "other"],
    });
    const other = new Stage("other");
    closers.push(other.close);
    expect(isPutAway(other.node)).toBe(true);
    expect(stage.picking).toBeNull();
    press(find(el, ".next"), "PageDown");
    expect([stage.picking, other.picking === null]).toEqual([null, false]);
    close();
    expect([stage, other].map(({ node }) => isPutAway(node))).toEqual([false, false]);
    closers.splice(closers.indexOf(close), 1);
  });

  test("hears its keys while the explorer has the focus, but not what a chart needs itself", () => {
    const { el } = lesson([{}, {}]);
    const ledger = find(stage.node, ".bbp-ledger");
    press(ledger, "PageDown");
    expect(placeOf(el)).toBe("2 of 2");
    ledger.addEventListener("keydown", (event) => event.preventDefault());
    press(ledger, "PageUp");
    expect(placeOf(el)).toBe("2 of 2");
  });

  test("goes where Python says, and opens where it was left", () => {
    const { el, model, close } = lesson([{}, {}, {}]);
    model.put({ go: { step: 2, seq: 1 } });
    expect(placeOf(el)).toBe("3 of 3");
    expect(model.get("at")).toEqual({ step: 2, seq: 1 });
    model.put({ go: { step: 0, seq: 1 } });
    expect(placeOf(el)).toBe("3 of 3");
    close();
    expect(model.listening).toBe(0);
    expect(el.childElementCount).toBe(0);
    expect(placeOf(lesson([{}, {}], { at: { step: 1, seq: 0 } }).el)).toBe("2 of 2");
    const newer = { at: { step: 1, seq: 0 }, go: { step: 0, seq: 1 } };
    expect(placeOf(lesson([{}, {}], newer).el)).toBe("1 of 2");
  });

  test("points at a part, puts others away, and leaves none of it behind", () => {
    const { el, close } = lesson([{ highlight: "ledger", hide: ["rail"] }, {}], {
      hide: ["controls"],
    });
    const has = (selector: string, name: string) =>
      find(stage.node, selector).hasAttribute(`data-part-${name}`);
    expect([has(".bbp-ledger", "lit"), has(".rail-box", "hidden")]).toEqual([true, true]);
    expect(has(".bbp-controls", "hidden")).toBe(true);
    find(el, ".next").click();
    expect([has(".bbp-ledger", "lit"), has(".rail-box", "hidden")]).toEqual([false, false]);
    expect(has(".bbp-controls", "hidden")).toBe(true);
    close();
    closers.length = 0;
    expect(has(".bbp-controls", "hidden")).toBe(false);
    expect(stage.followers.size).toBe(0);
  });

  test("waits for its explorer, and takes the nearest of several", () => {
    stage.close();
    const { el } = lesson([{ look: { step: 3 } }]);
    expect(stage.changes).toEqual([]);
    const far = new Stage();
    const near = new Stage();
    el.append(near.node);
    near.close();
    near.close = openDoor("stage", near);
    expect(near.now.step).toBe(3);
    far.close();
    near.close();
  });

  test("takes the focus in a page that was saved", () => {
    const { el } = lesson([{}, {}]);
    expect(document.activeElement).toBe(document.body);
    const model = new Fake<CardTraits>({
      stages: ["stage"],
      title: "",
      steps: [1, 2].map(() => ({ text: "x", ...PLAIN })),
      hide: [],
      go: {},
      at: {},
      answers: [],
    });
    Object.defineProperty(model, "send", { value: undefined });
    const second = document.createElement("div");
    el.append(second);
    closers.push(render({ model, el: second }));
    expect(second.contains(document.activeElement)).toBe(true);
  });

  test("every element that can hold the focus keeps the notebook's keys away", () => {
    for (const question of [NUMBER, CHOICE, { ...ASKED, kind: "layer", truths: [1] }]) {
      const { el } = lesson([{ question }, {}]);
      for (const one of el.querySelectorAll("button, input, select, [tabindex]")) {
        expect(one.getAttribute("data-lm-suppress-shortcuts"), one.outerHTML).toBe("true");
      }
    }
  });
});

describe("a question", () => {
  test("is answered once: what was said stays, and is written for Python", () => {
    const { el, model } = lesson([{ question: NUMBER }, {}]);
    type(el, "two");
    expect(find(el, ".missing").textContent).toBe("Type a number first.");
    expect(model.get("answers")).toEqual([]);
    type(el, "2,1");
    expect(model.get("answers")).toEqual([{ step: 0, answer: 2.1, right: false }]);
    expect(verdictOf(el)).toBe("Not quite. You said 2.1; it is 2.5. Add them up.");
    expect(find<HTMLInputElement>(el, "input").disabled).toBe(true);
    expect(find(el, ".sending").hidden).toBe(true);
    type(el, "2.5");
    expect(model.get("answers")).toHaveLength(1);
    find(el, ".next").click();
    press(find(el, ".next"), "PageUp");
    expect(verdictOf(el)).toContain("Not quite.");
    expect(find(el, ".score").textContent).toBe("0 right of 1 answered, 1 in all");
    expect(find(el, ".verdict").getAttribute("aria-live")).toBe("polite");
  });

  test("says what was said and what is true in words of their own", () => {
    const choices = ["It `grows`.", "It stays."];
    const { el } = lesson([{ question: { ...CHOICE, choices, truth: 1 } }]);
    find<HTMLInputElement>(el, "input").checked = true;
    find(el, ".answer").click();
    expect(verdictOf(el)).toBe(
      "Not quite. You said \u201cIt grows\u201d; it is \u201cIt stays\u201d. Add them up.",
    );
    expect(find(el, ".option.truth").textContent).toBe("It stays.");
    const unit = { ...ASKED, kind: "unit", truths: [{ frame: 1, at: [7] }] };
    const given = [{ step: 0, answer: { frame: 1, at: [2] }, right: false }];
    const later = lesson([{ question: unit }], { answers: given }).el;
    expect(verdictOf(later)).toContain("You said unit 2 of fc; it is unit 7 of fc.");
    expect(find(later, ".pair .soft").textContent).toBe("of fc");
    const layer = { ...ASKED, kind: "layer", truths: [3] };
    const said = [{ step: 0, answer: 1, right: false }];
    const list = find<HTMLSelectElement>(
      lesson([{ question: layer }], { answers: said }).el,
      "select",
    );
    expect(list.selectedOptions[0]?.text).toBe("fc");
  });

  test("is locked in a view that opens later, and in one beside", () => {
    const given = [{ step: 0, answer: 1, right: true }];
    const { el, model } = lesson([{ question: CHOICE }]);
    model.put({ answers: given });
    expect(verdictOf(el)).toBe("Right. Indeed.");
    const later = lesson([{ question: CHOICE }], { answers: given }).el;
    const inputs = [...later.querySelectorAll<HTMLInputElement>("input")];
    expect(inputs.map(({ checked, disabled }) => [checked, disabled])).toEqual([
      [false, true],
      [true, true],
      [false, true],
    ]);
  });

  test("gives the focus to the way on", () => {
    const { el } = lesson([{ question: NUMBER }, {}]);
    type(el, "2.5");
    expect(document.activeElement).toBe(find(el, ".next"));
  });

  test("is answered by Enter, which a notebook would take for its own", () => {
    const { el, model } = lesson([{ question: NUMBER }, {}]);
    const input = find<HTMLInputElement>(el, "input");
    input.value = "2.5";
    const outside = vi.fn();
    document.body.addEventListener("keydown", outside);
    press(input, "Enter");
    expect(model.get("answers")).toHaveLength(1);
    press(find(el, ".next"), "Enter");
    expect(placeOf(el)).toBe("2 of 2");
    expect(outside).not.toHaveBeenCalled();
    document.body.removeEventListener("keydown", outside);
  });

  test("has the focus when one comes to it by key", () => {
    const { el } = lesson([{}, { question: CHOICE }]);
    find(el, ".next").focus();
    press(find(el, ".next"), "PageDown");
    expect(document.activeElement).toBe(find(el, "input"));
  });

  test("of a layer follows the rail and turns it; the truth is walked to, or shown at once", () => {
    const question = { ...ASKED, kind: "layer", truths: [3] };
    const { el } = lesson([{ question }, {}]);
    const list = find<HTMLSelectElement>(el, "select");
    expect([...list.options].map(({ text }) => text)).toContain("features.3.squeeze");
    stage.change({ step: 1 });
    expect(list.value).toBe("1");
    list.value = "0";
    list.dispatchEvent(new Event("change"));
    expect(stage.now.step).toBe(0);
    still = false;
    stage.changes = [];
    find(el, ".answer").click();
    expect(verdictOf(el)).toContain("it is features.3.squeeze");
    expect(stage.changes).toEqual([]);
    vi.advanceTimersByTime(5000);
    expect(stage.changes.map(({ step }) => step)).toEqual([1, 2, 3]);
    still = true;
    const again = lesson([{ question }]);
    stage.change({ step: 0 });
    stage.changes = [];
    find(again.el, ".answer").click();
    expect(stage.changes).toEqual([{ step: 3 }]);
  });

  test("of a unit takes what is picked below, or typed", () => {
    const question = { ...ASKED, kind: "unit", truths: [{ frame: 1, at: [7] }], show: { dim: 0 } };
    const { el, model } = lesson([{ look: { step: 1 }, question }]);
    stage.change({ unit: { frame: 1, at: [5] } });
    expect(find<HTMLInputElement>(el, "input").value).toBe("5");
    type(el, "7");
    expect(model.get("answers")).toEqual([{ step: 0, answer: { frame: 1, at: [7] }, right: true }]);
    expect(stage.now).toMatchObject({ unit: { frame: 1, at: [7] }, step: 1, dim: 0 });
  });

  test("of a pixel takes a row and a column, and shows the middle of what is right", () => {
    const question = { ...ASKED, kind: "pixel", rows: [2, 4], columns: [6, 6] };
    const { el, model } = lesson([{ question }]);
    stage.change({ unit: { frame: 4, at: [1, 9, 6] } });
    const [row, column] = [...el.querySelectorAll<HTMLInputElement>("input")];
    expect([row?.value, column?.value]).toEqual(["9", "6"]);
    find(el, ".answer").click();
    expect(model.get("answers")).toEqual([{ step: 0, answer: [9, 6], right: false }]);
    expect(verdictOf(el)).toContain("You said row 9, column 6; it is rows 2 to 4, column 6.");
    expect(stage.now.unit).toEqual({ frame: 4, at: [0, 3, 6] });
  });

  const PIXEL = { ...ASKED, kind: "pixel", rows: [2, 4], columns: [6, 6] };

  test("of a pixel is picked in the pictures: by click, and by keys once more to answer", () => {
    const { el, model } = lesson([{ question: PIXEL }, {}]);
    const fields = () => [...el.querySelectorAll("input")].map((one) => one.value);
    stage.picking?.onPick([9, 6], "pointer");
    stage.picking?.onPick([9, 6], "pointer");
    expect(fields()).toEqual(["9", "6"]);
    expect(model.get("answers")).toEqual([]);
    stage.picking?.onPick([3, 6], "keys");
    expect(fields()).toEqual(["3", "6"]);
    expect(model.get("answers")).toEqual([]);
    find(stage.node, ".bbp-ledger").focus();
    stage.picking?.onPick([3, 6], "keys");
    expect(model.get("answers")).toEqual([{ step: 0, answer: [3, 6], right: true }]);
    expect(document.activeElement).toBe(find(el, ".next"));
    expect(stage.picking).toBeNull();
  });

  test("of a pixel gives the keys to the pictures, and back to its fields", () => {
    stage.pictures = true;
    const { el } = lesson([{}, { question: PIXEL }, {}]);
    find(el, ".next").focus();
    press(el.firstElementChild ?? el, "PageDown");
    expect(document.activeElement).toBe(find(stage.node, ".bbp-ledger"));
    stage.picking?.onLeave();
    expect(document.activeElement).toBe(find(el, "input"));
    press(el.firstElementChild ?? el, "PageDown");
    expect(stage.picking).toBeNull();
  });

  test("the keys come back where what had them is put away", () => {
    const { el } = lesson([{}, { hide: ["ledger"] }, {}]);
    const ledger = find(stage.node, ".bbp-ledger");
    ledger.focus();
    press(ledger, "PageDown");
    expect(document.activeElement).toBe(find(el, ".next"));
  });

  test("of a pixel leads from the one that was said to the true one where motion is welcome", () => {
    still = false;
    const { el } = lesson([{ question: PIXEL }]);
    const [row, column] = [...el.querySelectorAll<HTMLInputElement>("input")];
    if (row) row.value = "9";
    if (column) column.value = "1";
    find(el, ".answer").click();
    expect(stage.now.unit?.at).toEqual([0, 9, 1]);
    vi.advanceTimersByTime(200);
    expect(stage.now.unit?.at).toEqual([0, 3, 6]);
    expect(stage.node.hasAttribute("data-truth")).toBe(true);
    vi.advanceTimersByTime(1000);
    expect(stage.node.hasAttribute("data-truth")).toBe(false);
  });

  test("counts up to the true number where motion is welcome", () => {
    still = false;
    const { el } = lesson([{ question: NUMBER }]);
    type(el, "0");
    const face = () => find(el, ".truth").textContent;
    vi.advanceTimersByTime(100);
    expect(face()).not.toBe("2.5");
    vi.advanceTimersByTime(1000);
    expect(face()).toBe("2.5");
  });
});

describe("its words", () => {
  test("are nodes and never HTML", () => {
    const bad = "<img src=x onerror=alert(1)>";
    const { el } = lesson([
      { text: `**${bad}** ${bad}`, question: { ...CHOICE, ask: bad, choices: [bad, "b"] } },
    ]);
    expect(el.querySelector("img")).toBeNull();
    expect(find(el, ".words strong").textContent).toBe(bad);
    expect(find(el, "legend").textContent).toBe(bad);
  });

  test("have bold, italic, code, line breaks and paragraphs", () => {
    const [first, second] = paragraphs("One *w* · **x** and `a*b*c`\nnext\n\nTwo 2*3 = 6");
    expect(first?.innerHTML).toBe(
      "One <em>w</em> · <strong>x</strong> and <code>a*b*c</code><br>next",
    );
    expect(second?.innerHTML).toBe("Two 2*3 = 6");
    expect(inline("plain")).toEqual(["plain"]);
    expect(spokenText("One *w*\n\n**x**")).toBe("One w x");
  });
});

test("numbers and places are read as people type them", () => {
  expect(["1.5", "−2", " 1,5 ", "1/4", "", "x", "1/0"].map(typedNumber)).toEqual([
    1.5,
    -2,
    1.5,
    0.25,
    null,
    null,
    null,
  ]);
  expect(["3", "(3, 4)", "3 4 5", "x3", ""].map(typedIndices)).toEqual([
    [3],
    [3, 4],
    [3, 4, 5],
    null,
    null,
  ]);
});

test("a tolerance is a decimal, and a layer is right by its stop", () => {
  const [step] = readSteps([{ text: "x", ...PLAIN, question: { ...NUMBER, truth: 0.3 } }]);
  const question = step?.question as Question;
  expect(isRight({ ...question, tolerance: 0.2 } as Question, 0.1, null, FIRST_LOOK)).toBe(true);
  expect(isRight({ ...question, tolerance: 0.2 } as Question, 0.09, null, FIRST_LOOK)).toBe(false);
  const film = plainFilm();
  film.levels.layers = film.levels.layers.filter(({ frame }) => frame !== 2);
  const layer = { ...ASKED, kind: "layer", truths: [2] } as Question;
  expect(isRight(layer, 3, film, FIRST_LOOK)).toBe(true);
  expect(isRight(layer, 1, film, FIRST_LOOK)).toBe(false);
  expect(truthText(layer, film)).toBe("features.6.expand3x3");
});

test("the stage opens a door: what is put there is shown, and it can be looked through", () => {
  stage.close();
  const { el } = open({ key: "stage" });
  const text = { look: { step: 2, panel: "flow" }, highlight: "flow", hide: ["maps", "controls"] };
  const one = lesson([text, {}]);
  expect(find(el, ".bbp-rail").getAttribute("aria-valuenow")).not.toBe("0");
  expect(find(el, ".bbp-flow").hasAttribute("data-part-lit")).toBe(true);
  expect(find(el, '.bbp-tabs [data-key="maps"]').hasAttribute("data-part-hidden")).toBe(true);
  dressParts(el, { hidden: ["maps", "unit", "flow", "triage", "classes"], lit: null });
  expect(find(el, ".bbp-panels").hasAttribute("data-part-hidden")).toBe(true);
  expect(find(el, ".columns").hasAttribute("data-part-hidden")).toBe(false);
  press(find(el, ".bbp-rail"), "PageDown");
  expect(placeOf(one.el)).toBe("2 of 2");
  dressParts(el, { hidden: Object.keys(PARTS), lit: null });
  const shown = [...find(el, ".bbp > .body").children].filter(
    (part) => !isPutAway(part) && !(part as HTMLElement).hidden,
  );
  // an empty stage, and what may have to be said about a kernel
  expect(shown.map(({ className }) => className)).toEqual(["stage", "bbp-unseen"]);
  const keys = (hidden: string[]) => {
    dressParts(el, { hidden, lit: null });
    const left = [...el.querySelectorAll(".bbp-foot span")].filter((key) => !isPutAway(key));
    return left.map((key) => key.textContent);
  };
  expect(keys(["controls"])).not.toContain("1–9 rules");
  expect(keys(["controls"])).toContain("← toward the input");
  // stops are selected on the rail, for a plan that the controls show: it takes both
  expect(keys([])).toContain("shift ← → select for the plan");
  expect(keys(["rail"])).not.toContain("shift ← → select for the plan");
  expect(keys(["rail"])).toContain("1–9 rules");
  dressParts(el, { hidden: [], lit: null });
  expect(el.querySelector("[data-part-hidden]")).toBeNull();
});
