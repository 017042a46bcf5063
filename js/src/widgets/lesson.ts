/** A lesson as a widget: it turns the explorer that stands on the same page, with or without a kernel. */

import type { RenderProps } from "@anywidget/types";
import { lessonCard } from "../charts/lesson";
import type { CardTraits } from "../contract";
import { prefersStill } from "../dom";
import { type Door, followDoors, nearestDoor } from "../door";
import { Fields } from "../fields";
import { stopAt } from "../film";
import { type Answer, isRight, readAnswers, readSteps, truthLook } from "../lesson";
import { FIRST_LOOK, type Look } from "../look";
import { dressParts } from "../parts";
import { currentTheme, followTheme } from "../theme";
import { follow, type Model, write } from "./model";
import "../styles/lesson.css";

type Props = Pick<RenderProps<CardTraits>, "el"> & { model: Model<CardTraits> };

/** Between two stops on the way to the true layer. */
const WALK_MS = 160;

export function render({ model, el }: Props): () => void {
  const steps = readSteps(model.get("steps"));
  const card = lessonCard({
    onGo: (step) => enter(step, true),
    onAnswer,
    onLook: (change, passing) => door?.change(change, passing),
  });
  let answers = readAnswers(model.get("answers"));
  let theme = currentTheme();
  let door: Door | null = null;
  let leave = () => {};
  let walking: ReturnType<typeof setTimeout> | undefined;
  /** The newest of Python's wishes that was followed. */
  let heard = -1;
  let step = begin();

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
    clearTimeout(walking);
    step = within(next);
    if (told) write(model, { at: { step, seq: heard } });
    turn();
    paint();
  }

  /** Show what this step is about; of a question that was answered, the truth. */
  function turn() {
    const one = steps[step];
    if (!door || !one) return;
    dressParts(door.node, {
      hidden: [...(model.get("hide") as string[]), ...one.hide],
      lit: one.highlight,
    });
    const given = answers.some((answer) => answer.step === step);
    const truth = given && one.question ? truthLook(one.question, door.film()) : {};
    door.change({ ...one.look, ...truth });
  }

  function onAnswer(answer: Answer) {
    const question = steps[step]?.question;
    if (!question || answers.some((one) => one.step === step)) return;
    const film = door?.film() ?? null;
    const right = isRight(question, answer, film, door?.look() ?? FIRST_LOOK);
    answers = [...answers, { step, answer, right }];
    write(model, { answers: answers as unknown[] });
    paint();
    if (door) walkTo(door, truthLook(question, film));
  }

  /** Go to the truth as one walks the rail, stop by stop; at once for a reader who wants no motion. */
  function walkTo(there: Door, truth: Partial<Look>) {
    clearTimeout(walking);
    const { step: goal, ...rest } = truth;
    const film = there.film();
    if (goal === undefined || !film || prefersStill()) return there.change(truth);
    const stops = film.levels[there.look().level];
    const pace = () => {
      const here = stopAt(stops, there.look().step);
      const end = stopAt(stops, goal);
      const next = stops[here + Math.sign(end - here)];
      if (Math.abs(end - here) <= 1 || !next) return there.change({ ...rest, step: goal });
      there.change({ step: next.frame }, true);
      walking = setTimeout(pace, WALK_MS);
    };
    walking = setTimeout(pace, WALK_MS);
  }

  function paint() {
    const film = door?.film() ?? null;
    const look = door?.look() ?? null;
    card.update({ title: model.get("title"), steps, step, answers, film, look, theme });
  }

  /** Another view of the explorer may stand nearer now. */
  function meet() {
    const next = nearestDoor(model.get("key"), el);
    if (next === door) return;
    leave();
    door = next;
    if (!next) return paint();
    const stop = next.follow(paint);
    next.node.addEventListener("keydown", card.press);
    leave = () => {
      stop();
      next.node.removeEventListener("keydown", card.press);
      dressParts(next.node, { hidden: [], lit: null });
      leave = () => {};
    };
    turn();
    paint();
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
    clearTimeout(walking);
    leave();
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
