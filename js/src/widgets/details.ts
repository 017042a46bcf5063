/** Answers of the kernel that are asked for one by one, each kept under its question. */

import { type Answer, type Detail, keyOf, type Question, type UnitQuestion } from "../detail";
import { WireError } from "../fields";
import type { AnswerTo, Questions } from "../talk";
import { decodeDetail } from "../wire";
import type { Message } from "./model";
import { readRefusal } from "./traits";

/** Answers kept: a page of channels is a hundred kilobytes, a unit's equation a few. */
const MEMORY = 300;

export class Details implements Questions {
  /** Says something to the kernel; false where there is none. */
  readonly #say: (message: Message) => boolean;
  readonly #onChange: () => void;
  readonly #known = new Map<string, Detail<Answer>>();
  /** What is on its way, by number: its key, and what it is about. */
  readonly #asked = new Map<number, { key: string; about: string }>();
  #seq = 0;

  constructor(say: (message: Message) => boolean, onChange: () => void) {
    this.#say = say;
    this.#onChange = onChange;
  }

  /** What is known of a question; null where nobody has asked it. */
  get<Q extends Question>(question: Q): Detail<AnswerTo<Q>> | null {
    return (this.#known.get(keyOf(question)) as Detail<AnswerTo<Q>>) ?? null;
  }

  /** Ask, unless the answer is there or on its way; what failed may be asked again. */
  ask(question: Question): void {
    const key = keyOf(question);
    const state = this.#known.get(key)?.state;
    if (state === "asked" || state === "here") return;
    this.#seq += 1;
    const gone = !this.#say({ type: "ask", seq: this.#seq, question });
    this.#supersede(aboutOf(question));
    if (!gone) this.#asked.set(this.#seq, { key, about: aboutOf(question) });
    this.#put(key, { state: gone ? "offline" : "asked" });
    this.#onChange();
  }

  units(film: string): UnitQuestion[] {
    return [...this.#known].flatMap(([key, { state }]) => {
      if (state !== "here") return [];
      const question = JSON.parse(key) as Question;
      return question.kind === "unit" && question.film === film ? [question] : [];
    });
  }

  /** What a saved page brought with it. */
  keep(key: string, answer: Answer): void {
    this.#put(key, { state: "here", answer });
  }

  receive(message: Message, blob: DataView | null): void {
    const seq = typeof message.seq === "number" ? message.seq : -1;
    const key = this.#asked.get(seq)?.key;
    this.#asked.delete(seq);
    try {
      if (blob) {
        const detail = decodeDetail(blob);
        this.#put(detail.key, { state: "here", answer: detail.answer });
        // Filed under the words of the question too, should Python write its key otherwise.
        if (key !== undefined) this.#put(key, { state: "here", answer: detail.answer });
      } else if (key !== undefined) {
        const error = readRefusal(message.error);
        const { title, message: words } = error ?? { title: "No answer", message: "" };
        this.#put(key, { state: "failed", title, message: words });
      }
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause;
      if (key !== undefined) {
        this.#put(key, {
          state: "failed",
          title: "This answer cannot be read",
          message: cause.message,
        });
      }
    }
    this.#onChange();
  }

  /** Another input is explained: what was answered is of the one before. */
  forget(): void {
    this.#known.clear();
    this.#asked.clear();
  }

  /** The kernel is gone: what was asked will not come. */
  forsake(): void {
    for (const { key } of this.#asked.values()) this.#put(key, { state: "offline" });
    this.#asked.clear();
    this.#onChange();
  }

  /** The kernel is back: what could not be asked may be. */
  revive(): void {
    for (const [key, detail] of this.#known) {
      if (detail.state === "offline") this.#known.delete(key);
    }
  }

  /** A newer question about the same thing takes the place of one that waits: that one may be asked again. */
  #supersede(about: string): void {
    for (const [seq, waiting] of this.#asked) {
      if (waiting.about !== about) continue;
      this.#asked.delete(seq);
      this.#known.delete(waiting.key);
    }
  }

  #put(key: string, detail: Detail<Answer>): void {
    this.#known.delete(key);
    this.#known.set(key, detail);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MEMORY && oldest !== undefined) this.#known.delete(oldest);
  }
}

function aboutOf(question: Question): string {
  return question.kind === "parts" ? "parts" : `${question.kind} ${question.film}`;
}
