/** What was asked of the kernel, by number, and whether it is awaited still. */

import type { Film, Progress, Request } from "../film";
import { FIRST_LOOK, stateOf } from "../look";
import { question } from "../store";

export class Asked {
  /** The largest number a question has had, in this view or another. */
  #newest = 0;
  /** Messages up to this number came too late: the page has gone elsewhere since. */
  #settled = -1;
  /** The newest question for films: what answers it is known by its number, awaited or not. */
  #request: Request | null = null;
  #awaited = false;
  #progress: Progress | null = null;

  /** The question whose films are awaited. */
  get awaiting(): Request | null {
    return this.#awaited ? this.#request : null;
  }

  /** What the kernel says of the question that is awaited, or of work of its own. */
  get progress(): Progress | null {
    const seq = this.#progress?.seq ?? null;
    if (seq === null) return this.#progress;
    const { awaiting } = this;
    const current = awaiting ? seq === awaiting.seq : seq > this.#settled;
    return current ? this.#progress : null;
  }

  /** The number of the question, or of the work under way, that can be given up. */
  get cancellable(): number | null {
    return this.awaiting?.seq ?? this.progress?.seq ?? null;
  }

  /** The number of another question. */
  next(): number {
    this.#newest += 1;
    return this.#newest;
  }

  /** What was asked before this page was opened, and how far it is. */
  recall(request: Request | null, progress: Progress | null): void {
    this.#progress = progress;
    if (!request) return;
    this.await(request);
    this.#awaited = progress?.seq === request.seq;
  }

  /** A question was put, here or in another view of the same model: its answer is as good here. */
  await(request: Request): void {
    this.#newest = request.seq;
    this.#request = request;
    this.#awaited = true;
  }

  /** Whether films are awaited that are those of this request. */
  awaits(request: Request): boolean {
    return this.awaiting !== null && films(this.awaiting) === films(request);
  }

  isNewer(request: Request): boolean {
    return request.seq > this.#newest;
  }

  isOld(seq: number): boolean {
    return seq < this.#newest || seq <= this.#settled;
  }

  /** The question that a film answers, if it is the newest. */
  answeredBy(film: Film): Request | null {
    return film.answers !== null && film.answers === this.#request?.seq ? this.#request : null;
  }

  hearProgress(progress: Progress | null): void {
    this.#progress = progress;
  }

  /** Everything that was awaited is there. */
  done(): void {
    this.#awaited = false;
  }

  /** Go elsewhere: what comes late is not shown. */
  leave(): void {
    this.#settled = this.#newest;
    this.#awaited = false;
  }
}

/** What a request wants to be sent, as text: the same wish twice is asked once. */
function films(request: Request): string {
  const states = request.wanted.map((lane) => stateOf({ ...FIRST_LOOK, ...request }, lane));
  return states.map((state) => question(state, state.target)).join();
}
