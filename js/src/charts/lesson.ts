/** The card of a lesson: where it is, what it says, what it asks, and the way on. */

import type { Theme } from "../colour";
import { button, el } from "../dom";
import type { Film } from "../film";
import type { Answer, Given, LessonStep } from "../lesson";
import type { Look, OnLook } from "../look";
import { paragraphs, spokenText } from "../prose";
import { lessonQuestion } from "./lesson-question";
import { speaker } from "./status";

export interface LessonEvents {
  onGo(step: number): void;
  onAnswer(answer: Answer): void;
  onLook: OnLook;
  /** A question about a pixel wants the pictures to have the keys; whether they take them. */
  onSeek(): boolean;
}

export interface LessonView {
  title: string;
  steps: LessonStep[];
  step: number;
  answers: Given[];
  film: Film | null;
  look: Look | null;
  theme: Theme;
}

export function lessonCard({ onGo, onAnswer, onLook, onSeek }: LessonEvents) {
  const voice = speaker();
  const title = el("span", { class: "name" });
  const place = el("span", { class: "soft place" });
  const dots = el("span", { class: "dots", "aria-hidden": "true" });
  const head = el("h4", {}, title, el("span", { class: "where" }, dots, place));
  const words = el("div", { class: "words" });
  const asked = lessonQuestion({
    onAnswer,
    onLook,
    onSeek,
    onLocked: () => onward(),
  });
  const back = button({ title: "Page up, or Alt and left" }, () => go(-1), "Back");
  const next = button({ class: "next", title: "Page down, or Alt and right" }, () => go(1), "Next");
  const score = el("span", { class: "soft score" });
  const keys = el(
    "span",
    { class: "soft keys" },
    el("kbd", {}, "Page Down"),
    " next ",
    el("kbd", {}, "Page Up"),
    " back",
  );
  const walk = el("div", { class: "walk-lesson" }, back, next, score, keys);
  const node = el(
    "div",
    { class: "bbp bbp-lesson", role: "group", "aria-label": "Lesson" },
    el("div", { class: "body" }, head, words, asked.node, walk, voice.node),
  );
  let view: LessonView | null = null;
  let text = "";

  function onward() {
    (next.disabled ? back : next).focus({ preventScroll: true });
  }

  function go(by: number) {
    if (!view) return;
    const step = view.step + by;
    if (step >= 0 && step < view.steps.length) onGo(step);
  }

  /** Of the whole widget, wherever the focus is: also while the explorer has it. */
  function press(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Enter" && event.target instanceof HTMLButtonElement && !event.altKey) {
      if (!node.contains(event.target)) return;
      // A notebook takes Enter for its own.
      event.preventDefault();
      event.stopPropagation();
      return event.target.click();
    }
    if (event.defaultPrevented) return;
    const by = event.altKey
      ? { ArrowRight: 1, ArrowLeft: -1 }[event.key]
      : { PageDown: 1, PageUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    go(by);
  }

  node.addEventListener("keydown", press);

  function paintHead({ steps, step, answers }: LessonView) {
    const count = steps.length;
    place.textContent = `${step + 1} of ${count}`;
    const faces = steps.map((one, index) => {
      const given = answers.find((answer) => answer.step === index);
      const face = given ? (given.right ? "right" : "wrong") : one.question ? "open" : "plain";
      return `${face}${index === step ? " here" : ""}`;
    });
    if (faces.join() !== dots.dataset.faces) {
      dots.dataset.faces = faces.join();
      dots.replaceChildren(...faces.map((face) => el("i", { class: face })));
    }
    const questions = steps.filter(({ question }) => question !== null).length;
    const right = answers.filter((answer) => answer.right).length;
    score.hidden = questions === 0;
    score.textContent = `${right} right of ${answers.length} answered, ${questions} in all`;
  }

  return {
    node,
    press,
    /** What the first key is for: the question, or the way on. */
    focus() {
      const given = view?.answers.some(({ step }) => step === view?.step);
      if (view?.steps[view.step]?.question && !given) asked.focus();
      else onward();
    },
    focusField: asked.focusField,
    update(now: LessonView) {
      const turned = view !== null && view.step !== now.step;
      view = now;
      const { steps, step, answers, film, look } = now;
      const held = document.activeElement;
      const inside = node.contains(held);
      const one = steps[step];
      node.dataset.theme = now.theme;
      title.textContent = now.title;
      title.hidden = now.title === "";
      node.setAttribute("aria-label", now.title === "" ? "Lesson" : `Lesson: ${now.title}`);
      if (!one) return;
      if (one.text !== text) {
        text = one.text;
        words.replaceChildren(...paragraphs(text));
      }
      paintHead(now);
      const given = answers.find((answer) => answer.step === step) ?? null;
      asked.update({ step, question: one.question, given, film, look });
      const last = step === steps.length - 1;
      back.disabled = step === 0;
      next.disabled = last;
      next.classList.toggle("primary", one.question === null || given !== null);
      if (!turned) return;
      const question = one.question ? ` Question: ${spokenText(one.question.ask)}` : "";
      voice.say(`Step ${step + 1} of ${steps.length}. ${spokenText(one.text)}${question}`);
      // What had the focus may be gone, or switched off: the keys must not fall to the page.
      if (inside && one.question && !given) asked.focus();
      else if (inside) (last || held === back ? back : next).focus({ preventScroll: true });
      if (inside && document.activeElement === document.body) next.focus({ preventScroll: true });
    },
    destroy() {
      voice.destroy();
      asked.destroy();
    },
  };
}
