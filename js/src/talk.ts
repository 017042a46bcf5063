/** What the page asks of the conversation behind it, whoever holds that: a widget's session, or a test. */

import type { Answer, Detail, Question, UnitQuestion } from "./detail";
import type { Failure, Film, Progress } from "./film";
import type { Look } from "./look";

/**
 * Why there is no answer: a page that was saved, a kernel that was started anew and knows nothing of this explorer, one
 * that is no more, or one that says nothing and may only be busy. Only of the last an answer is still hoped for.
 */
export type Gone = "saved" | "restarted" | "dead" | "silent" | null;

/** The answer that a question has. */
export type AnswerTo<Q extends Question> = Extract<Answer, { kind: Q["kind"] }>;

export interface Questions {
  /** What is known of a question; null where nobody has asked it. */
  get<Q extends Question>(question: Q): Detail<AnswerTo<Q>> | null;
  /** Ask, unless the answer is there or on its way. */
  ask(question: Question): void;
  /** The units whose equations are here, of one film. */
  units(film: string): UnitQuestion[];
}

export interface Talk {
  readonly look: Look;
  /** The film of the active lane, or the last good one while its own is on its way. */
  readonly film: Film | null;
  /** One film a lane; null where it is not there yet. */
  readonly films: (Film | null)[];
  /** The lanes that are being computed. */
  readonly working: number[];
  readonly busy: boolean;
  readonly progress: Progress | null;
  readonly cancellable: boolean;
  readonly failure: Failure | null;
  readonly gone: Gone;
  readonly details: Questions;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  undo(): void;
  redo(): void;
  cancel(): void;
  dismiss(): void;
  /** A picture of the reader's own; false where there is nobody to send it to. */
  upload(name: string, bytes: ArrayBuffer): boolean;
}
