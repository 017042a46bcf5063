/** A lesson as a widget: it turns the explorers that stand on the same page, with or without a kernel. */

import type { RenderProps } from "@anywidget/types";
import { lessonCard } from "../charts/lesson";
import type { CardTraits } from "../contract";
import { prefersStill } from "../dom";
import { type Door, followDoors, nearestDoor } from "../door";
import { Fields } from "../fields";
import { stopAt } from "../film";
import { type Answer, isRight, readAnswers, readSteps, truthLook } from "../lesson";
import { FIRST_LOOK, type Look } from "../look";
import { dressParts, isPutAway, putAway } from "../parts";
import { type Pixel, pixelUnit, unitPixel } from "../pixels";
import { currentTheme, followTheme } from "../theme";
import { follow, type Model, write } from "./model";
import "../styles/lesson.css";

type Props = Pick<RenderProps<CardTraits>, "el"> & { model: Model<CardTraits> };

interface Met {
  key: string;
  door: Door | null;
  leave(): void;
}

/** Between two stops on the way to the true layer, and before the box leaves the pixel that was said. */
const WALK_MS = 160;
/** How long the box takes to the true pixel: as `[data-truth]` in the styles has it. */
const GLIDE_MS = 600;
const GLIDING = "data-truth";

export function render({ model, el }: Props): () => void {
  const steps = readSteps(model.get("steps"));
  const card = lessonCard({
    onGo(step) {
      enter(step, true);
      // Who goes on from a picture far below is to see the words of the step.
      card.node.scrollIntoView?.({ block: "nearest" });
    },
    onAnswer,
    onLook: (change, passing) => door()?.change(change, passing),
    onSeek: () => door()?.focusPictures() ?? false,
  });
  let answers = readAnswers(model.get("answers"));
  let theme = currentTheme();
  /** Of each explorer the view that stands nearest, and what lets go of it. */
  const met: Met[] = model
    .get("stages")
    .map((key) => ({ key: String(key), door: null, leave() {} }));
  let motion: ReturnType<typeof setTimeout> | undefined;
  /** The newest of Python's wishes that was followed. */
  let heard = -1;
  let step = begin();

  /** The explorer of this step, once it is there. */
  function door(): Door | null {
    return met[steps[step]?.stage ?? 0]?.door ?? null;
  }

  /** Where the lesson stands: where a page left it, unless Python has moved it since. */
  function begin(): number {
    const at = placeOf(model.get("at"));
    const go = placeOf(model.get("go"));
    heard = go?.seq ?? -1;
    const newer = go && (!at || go.seq > at.seq) ? go : (at ?? go);
    return within(newer?.step ?? 0);
  }

  function within(wanted: number): number {
    return Math.max(0, Math.min(steps.length - 1, wanted));
  }

  function enter(next: number, told: boolean) {
    still();
    step = within(next);
    if (told) write(model, { at: { step, seq: heard } });
    const focus = document.activeElement;
    const held = met.some((one) => one.door?.node.contains(focus)) ? focus : null;
    turn();
    paint();
    // What had the focus may have been put away: the keys must not fall to the page.
    if (held && isPutAway(held)) card.focus();
  }

  /** Show what this step is about; of a question that was answered, the truth. */
  function turn() {
    const one = steps[step];
    const here = door();
    for (const { door } of met) if (door) putAway(door.node, door !== here);
    if (!here || !one) return;
    dressParts(here.node, {
      hidden: [...(model.get("hide") as string[]), ...one.hide],
      lit: one.highlight,
    });
    const given = answers.some((answer) => answer.step === step);
    const truth = given && one.question ? truthLook(one.question, here.film()) : {};
    here.change({ ...one.look, ...truth });
  }

  function onAnswer(answer: Answer) {
    const question = steps[step]?.question;
    if (!question || answers.some((one) => one.step === step)) return;
    const here = door();
    const film = here?.film() ?? null;
    const right = isRight(question, answer, film, here?.look() ?? FIRST_LOOK);
    const inPictures = question.kind === "pixel" && here?.node.contains(document.activeElement);
    answers = [...answers, { step, answer, right }];
    write(model, { answers: answers as unknown[] });
    paint();
    if (inPictures) card.focus();
    if (!here) return;
    if (prefersStill()) return here.change(truthLook(question, film));
    if (question.kind === "pixel") glideTo(here, answer as Pixel, truthLook(question, film));
    else walkTo(here, truthLook(question, film));
  }

  /** From the pixel that was said to the true one. */
  function glideTo(there: Door, said: Pixel, truth: Partial<Look>) {
    still();
    there.change({ unit: pixelUnit(there.film(), said) });
    motion = setTimeout(() => {
      there.node.setAttribute(GLIDING, "");
      there.change(truth);
      motion = setTimeout(still, GLIDE_MS);
    }, WALK_MS);
  }

  function still() {
    clearTimeout(motion);
    for (const { door } of met) door?.node.removeAttribute(GLIDING);
  }

  /** As one walks the rail, stop by stop. */
  function walkTo(there: Door, truth: Partial<Look>) {
    still();
    const { step: goal, ...rest } = truth;
    const film = there.film();
    if (goal === undefined || !film) return there.change(truth);
    const stops = film.levels[there.look().level];
    const pace = () => {
      const here = stopAt(stops, there.look().step);
      const end = stopAt(stops, goal);
      const next = stops[here + Math.sign(end - here)];
      if (Math.abs(end - here) <= 1 || !next) return there.change({ ...rest, step: goal });
      there.change({ step: next.frame }, true);
      motion = setTimeout(pace, WALK_MS);
    };
    motion = setTimeout(pace, WALK_MS);
  }

  /** Of a pixel that was picked: Enter on the same one again is the answer. */
  function onPick(pixel: Pixel, by: "pointer" | "keys") {
    const here = door();
    if (!here) return;
    const film = here.film();
    const before = unitPixel(film, here.look().unit);
    if (by === "keys" && before?.join() === pixel.join()) return onAnswer(pixel);
    here.change({ unit: pixelUnit(film, pixel) });
  }

  function paint() {
    const asks = steps[step]?.question?.kind === "pixel";
    const open = asks && !answers.some((answer) => answer.step === step);
    const here = door();
    for (const { door } of met) {
      door?.pick(open && door === here ? { onPick, onLeave: card.focusField } : null);
    }
    const film = here?.film() ?? null;
    const look = here?.look() ?? null;
    card.update({ title: model.get("title"), steps, step, answers, film, look, theme });
  }

  /** Another view of an explorer may stand nearer now. */
  function meet() {
    const here = door();
    let moved = false;
    for (const one of met) moved = greet(one) || moved;
    if (!moved) return;
    if (door() !== here) turn();
    paint();
  }

  /** Whether another view stands nearest now. */
  function greet(one: Met): boolean {
    const next = nearestDoor(one.key, el);
    if (next === one.door) return false;
    one.leave();
    one.door = next;
    one.leave = () => {};
    if (!next) return true;
    const stop = next.follow(() => next === door() && paint());
    next.node.addEventListener("keydown", card.press);
    putAway(next.node, next !== door());
    one.leave = () => {
      stop();
      next.node.removeEventListener("keydown", card.press);
      dressParts(next.node, { hidden: [], lit: null });
      putAway(next.node, false);
      next.pick(null);
    };
    return true;
  }

  function hearGo() {
    const go = placeOf(model.get("go"));
    if (!go || go.seq <= heard) return;
    heard = go.seq;
    enter(go.step, true);
  }

  /** Another view of the same lesson. */
  function hearAnswers() {
    const now = readAnswers(model.get("answers"));
    if (JSON.stringify(now) === JSON.stringify(answers)) return;
    answers = now;
    paint();
  }

  function hearAt() {
    const at = placeOf(model.get("at"));
    if (!at || at.step === step) return;
    step = within(at.step);
    paint();
  }

  el.append(card.node);
  const stops = [
    follow(model, "go", hearGo),
    follow(model, "at", hearAt),
    follow(model, "answers", hearAnswers),
    followDoors(meet),
    followTheme((next) => {
      theme = next;
      paint();
    }),
  ];
  meet();
  paint();
  // A page that was saved is played from here: the first key already counts.
  if (!model.send) card.focus();

  return () => {
    still();
    for (const { leave } of met) leave();
    for (const stop of stops) stop();
    card.destroy();
    card.node.remove();
  };
}

/** A step, and the number of the newest wish of Python's when it was written. */
function placeOf(raw: Record<string, unknown> | undefined): { step: number; seq: number } | null {
  if (!raw || Object.keys(raw).length === 0) return null;
  const fields = new Fields(raw, "place");
  return { step: fields.size("step"), seq: fields.number("seq") };
}

export default { render };
