/** A question of a lesson: asked once, answered once. What is picked in the explorer and what is typed are one. */

import { button, el, prefersStill, uniqueId } from "../dom";
import type { Film } from "../film";
import { stopAt } from "../film";
import {
  type Answer,
  answerText,
  type Given,
  numberText,
  type Question,
  truthText,
  typedIndices,
  typedNumber,
  type Unit,
} from "../lesson";
import type { Look, OnLook } from "../look";
import { type Pixel, pixelUnit, unitPixel } from "../pixels";
import { holds } from "../places";
import { inline } from "../prose";

export interface QuestionEvents {
  onAnswer(answer: Answer): void;
  /** The question had the focus, and is locked now. */
  onLocked(): void;
  /** What is chosen here is shown in the explorer at once. */
  onLook: OnLook;
  /** The keys are for the pictures first; whether they are to be had. */
  onSeek(): boolean;
}

export interface QuestionView {
  /** Which step asks: another one is another form. */
  step: number;
  question: Question | null;
  given: Given | null;
  film: Film | null;
  look: Look | null;
}

/** A control of one kind of question. */
interface Control {
  node: HTMLElement;
  read(): Answer | null;
  /** Follow what the explorer shows. */
  follow(film: Film | null, look: Look | null): void;
  lock(given: Given, film: Film | null): void;
  focus(): void;
}

/** How long the true number takes to arrive. */
const COUNT_MS = 600;

export function lessonQuestion({ onAnswer, onLocked, onLook, onSeek }: QuestionEvents) {
  const legend = el("legend");
  const place = el("div", { class: "control" });
  const missing = el("span", { class: "soft missing" });
  const send = button({ class: "answer", type: "submit" }, () => {}, "Answer");
  const sending = el("div", { class: "sending" }, send, missing);
  const fieldset = el("fieldset", {}, legend, place, sending);
  const verdict = el("div", { class: "verdict", role: "status", "aria-live": "polite" });
  const form = el("form", { class: "question", novalidate: true }, fieldset);
  const node = el("div", { class: "asked" }, form, verdict);
  let view: QuestionView | null = null;
  let control: Control | null = null;
  let shown: unknown[] = [];
  let clock: number | undefined;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });

  // A notebook takes Enter for its own, also from a field; a list of layers needs it to open.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.altKey || event.ctrlKey || event.metaKey) return;
    if (!(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    event.stopPropagation();
    submit();
  });

  function submit() {
    if (!view?.question || view.given) return;
    const answer = control?.read() ?? null;
    missing.textContent = answer === null ? WANTED[view.question.kind] : "";
    if (answer === null) return control?.focus();
    onAnswer(answer);
  }

  function rebuild({ question, given, film }: QuestionView) {
    stopClock();
    form.hidden = question === null;
    node.hidden = question === null;
    verdict.replaceChildren();
    missing.textContent = "";
    control = null;
    if (!question) return place.replaceChildren();
    legend.replaceChildren(...inline(question.ask));
    control = controlOf(question, { onLook, onSeek });
    place.replaceChildren(control.node);
    sending.hidden = given !== null;
    if (!given) return;
    control.lock(given, film);
    judge(question, given, film);
  }

  function judge(question: Question, given: Given, film: Film | null) {
    const { right } = given;
    const words = right ? question.right : question.wrong;
    const quoted = (text: string) => {
      const words = inline(text.replace(/\.$/, ""));
      return question.kind === "choice" ? ["\u201c", ...words, "\u201d"] : words;
    };
    const said = quoted(answerText(question, given.answer, film));
    const truth = el("b", { class: "truth" }, ...quoted(truthText(question, film)));
    const line = right ? [] : ["You said ", ...said, "; it is ", truth, ". "];
    verdict.replaceChildren(
      el(
        "p",
        { class: right ? "right" : "wrong" },
        el("strong", {}, right ? "Right. " : "Not quite. "),
        ...line,
        ...inline(words),
      ),
    );
  }

  /** The true number counts up from the one that was given; a reader who wants no motion sees it at once. */
  function count(from: number, to: number) {
    const face = verdict.querySelector(".truth");
    if (!face || prefersStill() || from === to) return;
    const begun = performance.now();
    const tick = () => {
      const part = Math.min(1, (performance.now() - begun) / COUNT_MS);
      const eased = 1 - (1 - part) ** 3;
      face.textContent = numberText(
        part < 1 ? Number((from + (to - from) * eased).toFixed(3)) : to,
      );
      clock = part < 1 ? requestAnimationFrame(tick) : undefined;
    };
    tick();
  }

  function stopClock() {
    if (clock !== undefined) cancelAnimationFrame(clock);
    clock = undefined;
  }

  return {
    node,
    focus() {
      control?.focus();
    },
    /** The first field of the question, also where the pictures have the keys. */
    focusField() {
      form.querySelector("input")?.focus();
    },
    update(next: QuestionView) {
      const before = view;
      view = next;
      const { step, question, given, film, look } = next;
      // The words about an answer want the film's names; a question that is open keeps its control, and the focus.
      const now = [step, question, given, given !== null && film === null];
      if (now.some((one, index) => one !== shown[index])) {
        shown = now;
        const here = form.contains(document.activeElement);
        rebuild(next);
        const fresh = before?.step === step && !before.given && given;
        node.classList.toggle("fresh", Boolean(fresh));
        if (fresh && question?.kind === "number" && !given.right) {
          count(Number(given.answer), question.truth);
        }
        if (fresh && here) onLocked();
      }
      if (!given) control?.follow(film, look);
    },
    destroy() {
      stopClock();
    },
  };
}

const WANTED: Record<Question["kind"], string> = {
  choice: "Choose one first.",
  number: "Type a number first.",
  layer: "Choose a layer first, here or on the rail.",
  unit: "Select a unit first: pick it below, or type its place.",
  pixel: "Pick a pixel first: click it, or go there with the arrow keys and press Enter.",
};

type ControlEvents = Pick<QuestionEvents, "onLook" | "onSeek">;

function controlOf(question: Question, { onLook, onSeek }: ControlEvents): Control {
  if (question.kind === "choice") return choices(question.choices, question.truth);
  if (question.kind === "number") return number();
  if (question.kind === "layer") return layers(onLook);
  return question.kind === "unit" ? unit(onLook) : pixel(onLook, onSeek);
}

function choices(texts: string[], truth: number): Control {
  const name = uniqueId("choice");
  const inputs = texts.map((_, index) => el("input", { type: "radio", name, value: index }));
  const labels = texts.map((text, index) =>
    el("label", { class: "option" }, inputs[index] ?? "", el("span", {}, ...inline(text))),
  );
  return {
    node: el("div", { class: "options" }, ...labels),
    read() {
      const chosen = inputs.findIndex((input) => input.checked);
      return chosen < 0 ? null : chosen;
    },
    follow() {},
    lock({ answer }) {
      inputs.forEach((input, index) => {
        input.checked = index === answer;
        input.disabled = true;
      });
      labels[truth]?.classList.add("truth");
    },
    focus: () => (inputs.find((input) => input.checked) ?? inputs[0])?.focus(),
  };
}

function field(label: string, width: number, mode: "decimal" | "text") {
  const input = el("input", {
    type: "text",
    inputmode: mode,
    autocomplete: "off",
    spellcheck: "false",
    size: width,
    "aria-label": label,
  });
  return input;
}

function number(): Control {
  const input = field("your number", 9, "decimal");
  return {
    node: input,
    read: () => typedNumber(input.value),
    follow() {},
    lock({ answer }) {
      input.value = numberText(Number(answer));
      input.disabled = true;
    },
    focus: () => input.focus(),
  };
}

function layers(onLook: OnLook): Control {
  const list = el("select", { "aria-label": "layer" });
  let made = "";

  function fill(film: Film, look: Look) {
    const stops = film.levels[look.level];
    const text = stops.map(({ frame, name }) => `${frame} ${name}`).join("\n");
    if (text !== made) {
      made = text;
      list.replaceChildren(...stops.map(({ frame, name }) => el("option", { value: frame }, name)));
    }
    const stop = stops[stopAt(stops, look.step)];
    if (stop) list.value = String(stop.frame);
  }

  list.addEventListener("change", () => onLook({ step: Number(list.value) }));
  return {
    node: el("label", { class: "pair" }, el("span", { class: "key" }, "layer"), list),
    read: () => (list.value === "" ? null : Number(list.value)),
    follow(film, look) {
      if (film && look) fill(film, look);
    },
    lock({ answer }, film) {
      const name = film?.frames[Number(answer)]?.name ?? `step ${answer}`;
      list.replaceChildren(el("option", { value: Number(answer) }, name));
      list.disabled = true;
    },
    focus: () => list.focus(),
  };
}

function unit(onLook: OnLook): Control {
  const input = field("place of the unit", 12, "text");
  const where = el("span", { class: "soft" });
  let film: Film | null = null;
  let look: Look | null = null;
  let told = "";

  /** The frame that is meant: of the unit that was picked, else the step that is shown. */
  function typed(): Unit | null {
    const at = typedIndices(input.value);
    const frame = look?.step ?? 0;
    const grid = film?.frames[frame]?.grid;
    return at && grid && holds(grid, at) ? { frame, at } : null;
  }

  input.addEventListener("change", () => {
    const now = typed();
    if (now) onLook({ unit: now, panel: "maps" });
  });
  return {
    node: el("label", { class: "pair" }, el("span", { class: "key" }, "unit"), input, where),
    read() {
      const same = look?.unit && look.unit.at.join(", ") === input.value.trim();
      return same ? (look?.unit ?? null) : typed();
    },
    follow(nextFilm, nextLook) {
      film = nextFilm;
      look = nextLook;
      const picked = look?.unit ?? null;
      const key = picked ? JSON.stringify(picked) : "";
      where.textContent = `of ${film?.frames[look?.step ?? 0]?.name ?? "this step"}`;
      if (key === told) return;
      told = key;
      input.value = picked ? picked.at.join(", ") : "";
    },
    lock({ answer }, film) {
      const { frame, at } = answer as Unit;
      input.value = at.join(", ");
      where.textContent = `of ${film?.frames[frame]?.name ?? "this step"}`;
      input.disabled = true;
    },
    focus: () => input.focus(),
  };
}

function pixel(onLook: OnLook, onSeek: () => boolean): Control {
  const row = field("row", 4, "decimal");
  const column = field("column", 4, "decimal");
  let film: Film | null = null;
  let told = "";

  function typed(): Pixel | null {
    const [down, across] = [typedIndices(row.value), typedIndices(column.value)];
    if (down?.length !== 1 || across?.length !== 1) return null;
    return [down[0] ?? 0, across[0] ?? 0];
  }

  for (const input of [row, column]) {
    input.addEventListener("change", () => {
      const now = typed();
      const picked = now && pixelUnit(film, now);
      const grid = picked ? film?.frames[picked.frame]?.grid : undefined;
      if (picked && grid && holds(grid, picked.at)) onLook({ unit: picked });
    });
  }
  return {
    node: el(
      "span",
      { class: "pair" },
      el("label", { class: "pair" }, el("span", { class: "key" }, "row"), row),
      el("label", { class: "pair" }, el("span", { class: "key" }, "column"), column),
    ),
    read: typed,
    follow(nextFilm, look) {
      film = nextFilm;
      const place = unitPixel(film, look?.unit ?? null);
      const key = place ? place.join() : "";
      if (key === told) return;
      told = key;
      if (place) [row.value, column.value] = [String(place[0]), String(place[1])];
    },
    lock({ answer }) {
      const [down, across] = answer as Pixel;
      [row.value, column.value] = [String(down), String(across)];
      row.disabled = true;
      column.disabled = true;
    },
    focus: () => void (onSeek() || row.focus()),
  };
}
