/**
 * The conversation with the kernel: what was asked, what came back, and which answer still counts.
 *
 * One rule decides: the page shows the answer to its newest question, and whatever Python shows by itself.
 * Everything else that arrives is kept for later and not shown.
 */

import { WireError } from "../fields";
import type { Failure, Film, Progress, Request, State } from "../film";
import { FilmStore, question } from "../store";
import { decodeFilm } from "../wire";
import { follow, type Model, write } from "./model";
import { readError, readProgress, readRequest } from "./traits";

/** Questions remembered, to file an answer under the words in which it was asked for. */
const MEMORY = 200;

export interface SessionEvents {
  /** The film to look at has changed. */
  onFilm(film: Film): void;
  /** Controls, progress or the error have changed. */
  onChange(): void;
}

export class Session {
  readonly #model: Model;
  readonly #events: SessionEvents;
  readonly #store = new FilmStore();
  readonly #asked = new Map<number, Request>();
  readonly #stops: (() => void)[];
  /** The largest number a question has had, in this view or another. */
  #newest = 0;
  /** Answers up to this number came too late: the page has gone elsewhere since. */
  #settled = -1;
  #awaiting: Request | null = null;
  #state: State | null = null;
  #film: Film | null = null;
  #progress: Progress | null = null;
  #failure: Failure | null = null;

  constructor(model: Model, events: SessionEvents) {
    this.#model = model;
    this.#events = events;
    this.#stops = [
      follow(model, "film", () => this.#receive(false)),
      follow(model, "progress", () => this.#hearProgress()),
      follow(model, "error", () => this.#hearError()),
      follow(model, "request", () => this.#overhear()),
      follow(model, "cancel", () => this.#callOff(this.#model.get("cancel"))),
    ];
  }

  /** Look at what the model already holds: a page may be opened on work that is under way, or done. */
  start(): void {
    const request = readRequest(this.#model.get("request"));
    if (request) {
      this.#newest = request.seq;
      this.#remember(request);
    }
    this.#progress = readProgress(this.#model.get("progress"));
    this.#receive(true);
    if (request && this.#progress?.seq === request.seq) {
      this.#awaiting = request;
      this.#state = withoutSeq(request);
    }
    this.#hearError();
    this.#events.onChange();
  }

  get film(): Film | null {
    return this.#film;
  }

  /** What the controls show: the newest question, or the state of the film. */
  get state(): State | null {
    return this.#state;
  }

  get busy(): boolean {
    return this.#awaiting !== null || this.progress !== null;
  }

  /** What the kernel says of the question that is waited for, or of work of its own. */
  get progress(): Progress | null {
    const seq = this.#progress?.seq ?? null;
    if (seq === null) return this.#progress;
    const current = this.#awaiting ? seq === this.#awaiting.seq : seq > this.#settled;
    return current ? this.#progress : null;
  }

  get cancellable(): boolean {
    return this.#awaiting !== null || (this.progress?.seq ?? null) !== null;
  }

  get failure(): Failure | null {
    return this.#failure;
  }

  /** Ask for something else; what has been seen before is shown at once. */
  ask(change: Partial<State>): void {
    const base = this.#state;
    if (!base) return;
    const next = { ...base, ...change };
    const known = this.#store.find(next);
    if (known) {
      if (this.#awaiting) write(this.#model, { cancel: this.#awaiting.seq });
      this.#leave();
      this.#show(known);
      // nothing is asked, but Python should know what its user looks at
      write(this.#model, { shown: { ...known.state, key: known.key } });
      return;
    }
    if (
      this.#awaiting &&
      question(this.#awaiting, this.#awaiting.target) === question(next, next.target)
    ) {
      return;
    }
    this.#newest += 1;
    const request: Request = { seq: this.#newest, ...next };
    this.#state = next;
    this.#awaiting = request;
    this.#failure = null;
    this.#remember(request);
    write(this.#model, { request: { ...request } });
    this.#events.onChange();
  }

  cancel(): void {
    const seq = this.#awaiting?.seq ?? this.progress?.seq ?? null;
    if (seq === null) return;
    write(this.#model, { cancel: seq });
    this.#callOff(seq);
  }

  dismiss(): void {
    this.#failure = null;
    this.#events.onChange();
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  /** Here or in another view of the same model; the kernel may be gone, so nothing is waited for. */
  #callOff(seq: number): void {
    if (seq < this.#newest || seq <= this.#settled) return;
    this.#leave();
    this.#state = this.#film?.state ?? this.#state;
    this.#events.onChange();
  }

  #leave(): void {
    this.#settled = this.#newest;
    this.#awaiting = null;
  }

  #remember(request: Request): void {
    this.#asked.set(request.seq, request);
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > MEMORY && oldest !== undefined) this.#asked.delete(oldest);
  }

  #show(film: Film): void {
    this.#film = film;
    this.#state = film.state;
    this.#failure = null;
    this.#events.onFilm(film);
    this.#events.onChange();
  }

  #receive(first: boolean): void {
    const data = this.#model.get("film");
    if (!data || data.byteLength === 0) return;
    const film = this.#decode(data);
    if (!film) return;
    const { answers } = film;
    const request = answers === null ? null : (this.#asked.get(answers) ?? null);
    this.#store.put(film, request ? withoutSeq(request) : null);
    const late = answers !== null && (answers < this.#newest || answers <= this.#settled);
    if (late && !first) return;
    // Python's own film ends the waiting too, for its setter may have dropped the question; should the
    // answer still come, it is the newest and is shown.
    this.#awaiting = null;
    this.#show(film);
  }

  #decode(data: DataView): Film | null {
    try {
      return decodeFilm(data);
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause;
      const message = `${cause.message}. The page and the Python package may be of different versions.`;
      this.#fail({ seq: null, title: "This film cannot be read", message, traceback: "" });
      return null;
    }
  }

  #hearProgress(): void {
    this.#progress = readProgress(this.#model.get("progress"));
    this.#events.onChange();
  }

  #hearError(): void {
    const failure = readError(this.#model.get("error"));
    if (!failure) {
      if (this.#failure) this.dismiss();
      return;
    }
    if (failure.seq !== null && (failure.seq < this.#newest || failure.seq <= this.#settled))
      return;
    this.#fail(failure);
  }

  #fail(failure: Failure): void {
    this.#failure = failure;
    this.#leave();
    this.#state = this.#film?.state ?? this.#state;
    this.#events.onChange();
  }

  /** Another view of the same model has asked: its answer is as good here. */
  #overhear(): void {
    const request = readRequest(this.#model.get("request"));
    if (!request || request.seq <= this.#newest) return;
    this.#newest = request.seq;
    this.#remember(request);
    this.#awaiting = request;
    this.#state = withoutSeq(request);
    this.#events.onChange();
  }
}

function withoutSeq({ seq: _, ...state }: Request): State {
  return state;
}
