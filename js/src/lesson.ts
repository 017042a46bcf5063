/** A lesson as data: its steps, its questions, and when an answer is right. `bbp_widgets/widgets/lesson_questions.py` checks them. */

import { Fields } from "./fields";
import { type Film, stopAt } from "./film";
import { type Look, readLook } from "./look";
import { type Pixel, pixelUnit } from "./pixels";
import { unitText } from "./places";

export type Unit = NonNullable<Look["unit"]>;

interface Asked {
  ask: string;
  /** What is said to a right answer, and to a wrong one. */
  right: string;
  wrong: string;
  /** Where to look once the answer is given. */
  show: Partial<Look>;
}

export type Question = Asked &
  (
    | { kind: "choice"; choices: string[]; truth: number }
    | { kind: "number"; truth: number; tolerance: number }
    /** Frames; the first is shown. */
    | { kind: "layer"; truths: number[] }
    /** Units; the first is shown. */
    | { kind: "unit"; truths: Unit[] }
    /** The first and the last row and column that are right. */
    | { kind: "pixel"; rows: [number, number]; columns: [number, number] }
  );

/** What a reader answers: the index of a choice, a number, a frame, a unit, or a pixel. */
export type Answer = number | Unit | Pixel;

export interface Given {
  step: number;
  answer: Answer;
  right: boolean;
}

export interface LessonStep {
  text: string;
  /** Which of the lesson's explorers it is played on. */
  stage: number;
  look: Partial<Look>;
  highlight: string | null;
  hide: string[];
  question: Question | null;
}

export function readSteps(raw: unknown): LessonStep[] {
  return new Fields({ steps: raw }, "lesson").each("steps", (step) => ({
    text: step.text("text"),
    stage: step.size("stage"),
    look: readLook(step.object("look")),
    highlight: step.textOrNull("highlight"),
    hide: step.texts("hide"),
    question: readQuestion(step.fieldsOrNull("question")),
  }));
}

function readQuestion(question: Fields | null): Question | null {
  if (!question) return null;
  const asked: Asked = {
    ask: question.text("ask"),
    right: question.text("right"),
    wrong: question.text("wrong"),
    show: readLook(question.object("show")),
  };
  const kind = question.text("kind");
  if (kind === "choice") {
    return { ...asked, kind, choices: question.texts("choices"), truth: question.size("truth") };
  }
  if (kind === "number") {
    const [truth, tolerance] = [question.number("truth"), question.number("tolerance")];
    return { ...asked, kind, truth, tolerance };
  }
  if (kind === "layer") return { ...asked, kind, truths: question.sizes("truths") };
  if (kind === "unit") {
    const truths = question.each("truths", (unit) => ({
      frame: unit.size("frame"),
      at: unit.sizes("at"),
    }));
    return { ...asked, kind, truths };
  }
  const span = (name: string): [number, number] => {
    const [first = 0, last = first] = question.sizes(name);
    return [first, last];
  };
  return { ...asked, kind: "pixel", rows: span("rows"), columns: span("columns") };
}

/** What was answered before, in this view or another one. */
export function readAnswers(raw: unknown): Given[] {
  if (!Array.isArray(raw)) return [];
  return raw.filter(
    (one): one is Given =>
      typeof one === "object" && one !== null && Number.isInteger(one.step) && "answer" in one,
  );
}

/** Whether an answer is right, seen on a film: a layer is right by the stop that it belongs to. */
export function isRight(
  question: Question,
  answer: Answer,
  film: Film | null,
  look: Look,
): boolean {
  if (question.kind === "choice") return answer === question.truth;
  if (question.kind === "number") {
    // The tolerance is a decimal: 0.1 from 0.3 is within 0.2, whatever binary makes of them.
    const slack = 1e-9 * Math.max(1, Math.abs(question.truth));
    return Math.abs(Number(answer) - question.truth) <= question.tolerance + slack;
  }
  if (question.kind === "layer") {
    const stops = film?.levels[look.level] ?? [];
    const stop = stopAt(stops, Number(answer));
    return question.truths.some((frame) => frame === answer || stopAt(stops, frame) === stop);
  }
  if (question.kind === "unit") {
    const { frame, at } = answer as Unit;
    return question.truths.some((one) => one.frame === frame && one.at.join() === at.join());
  }
  const [row, column] = answer as Pixel;
  const within = (value: number, [first, last]: [number, number]) =>
    first <= value && value <= last;
  return within(row, question.rows) && within(column, question.columns);
}

/** The look that shows the truth. */
export function truthLook(question: Question, film: Film | null): Partial<Look> {
  const { show } = question;
  if (question.kind === "layer") return { step: question.truths[0] ?? 0, ...show };
  if (question.kind === "unit") {
    const [unit] = question.truths;
    return unit ? { unit, step: unit.frame, panel: "maps", ...show } : show;
  }
  if (question.kind === "pixel") {
    const middle = ([first, last]: [number, number]) => Math.floor((first + last) / 2);
    const unit = pixelUnit(film, [middle(question.rows), middle(question.columns)]);
    return unit ? { unit, ...show } : show;
  }
  return show;
}

/** An answer, or the truth, in words. */
export function answerText(question: Question, answer: Answer, film: Film | null): string {
  if (question.kind === "choice") return question.choices[Number(answer)] ?? "";
  if (question.kind === "number") return numberText(Number(answer));
  if (question.kind === "layer") return film?.frames[Number(answer)]?.name ?? `step ${answer}`;
  if (question.kind === "unit") {
    const { frame, at } = answer as Unit;
    const there = film?.frames[frame];
    const unit = at.length === 1 ? `unit ${at[0]}` : unitText(there?.grid, at);
    return `${unit} of ${there?.name ?? `step ${frame}`}`;
  }
  const [row, column] = answer as Pixel;
  return `row ${row}, column ${column}`;
}

export function truthText(question: Question, film: Film | null): string {
  const { kind } = question;
  if (kind === "choice" || kind === "number") return answerText(question, question.truth, film);
  if (kind === "layer" || kind === "unit") {
    return question.truths.map((one) => answerText(question, one, film)).join(" or ");
  }
  const span = (name: string, [first, last]: [number, number]) =>
    first === last ? `${name} ${first}` : `${name}s ${first} to ${last}`;
  return `${span("row", question.rows)}, ${span("column", question.columns)}`;
}

export function numberText(value: number): string {
  return String(Number(value.toPrecision(6))).replace("-", "\u2212");
}

/** A number as people type it: a comma for the point, any minus sign. Null where it is none. */
export function typedNumber(text: string): number | null {
  const plain = text
    .trim()
    .replace(/[\u2212\u2013]/g, "-")
    .replace(",", ".");
  const fraction = /^(-?[\d.]+)\s*\/\s*([\d.]+)$/.exec(plain);
  const value = fraction ? Number(fraction[1]) / Number(fraction[2]) : Number(plain);
  return plain === "" || !Number.isFinite(value) ? null : value;
}

/** Several whole numbers: "3", "3, 4, 5", "(3, 4)". Null where they are none. */
export function typedIndices(text: string): number[] | null {
  const marks = text.match(/\d+/g);
  if (!marks || /[^\d\s,;()[\]]/.test(text)) return null;
  return marks.map(Number);
}
