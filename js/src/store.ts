/** Films that have been seen, so that a second look needs no kernel. */

import type { Choice, Figure, Film, State } from "./film";

const BOUND = 64 * 2 ** 20;

/** The same question is the same text, whatever the order of its parameters. */
export function question(state: State, target: number | null): string {
  const { sample, versus, plan } = state;
  const overrides = inOrder(plan).map(([name, choice]) => [name, ...words(choice)]);
  return JSON.stringify([sample, target, versus, ...words(state), overrides]);
}

function words({ rule, parameters }: Choice) {
  return [rule, inOrder(parameters)] as const;
}

function inOrder<T>(named: Record<string, T>): [string, T][] {
  return Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1));
}

function largest(scores: Figure[]): number | null {
  let best: number | null = null;
  scores.forEach((score, index) => {
    if (score !== null && (best === null || score > (scores[best] ?? Number.NEGATIVE_INFINITY))) {
      best = index;
    }
  });
  return best;
}

export class FilmStore {
  readonly #films = new Map<string, Film>();
  readonly #keys = new Map<string, string>();
  /** The class with the largest score of each sample seen: what a target of null means there. */
  readonly #tops = new Map<number, number>();
  readonly #bound: number;
  #bytes = 0;

  constructor(bound = BOUND) {
    this.#bound = bound;
  }

  /** Keep a film under its own state, and under the request that it answered, when that is known. */
  put(film: Film, request: State | null): void {
    const known = this.#films.get(film.key);
    // Numbers alone never take the place of a whole film.
    if (known?.part === "whole" && film.part === "numbers") return;
    if (known) this.#drop(film.key, known);
    this.#films.set(film.key, film);
    this.#bytes += film.bytes;
    const top = largest(film.scores);
    if (top !== null) this.#tops.set(film.state.sample, top);
    for (const state of request ? [film.state, request] : [film.state]) {
      this.#keys.set(this.#resolve(state), film.key);
    }
    for (const [key, old] of this.#films) {
      if (this.#bytes <= this.#bound || key === film.key) break;
      this.#drop(key, old);
    }
  }

  /** The film under its key, as Python names it. */
  get(key: string): Film | null {
    return this.#films.get(key) ?? null;
  }

  find(state: State): Film | null {
    const key = this.#keys.get(this.#resolve(state));
    const film = key === undefined ? undefined : this.#films.get(key);
    if (key === undefined || !film) return null;
    // Looked at again: last to be dropped.
    this.#films.delete(key);
    this.#films.set(key, film);
    return film;
  }

  /** Another input stands in the place of this one. */
  forget(sample: number): void {
    for (const [key, film] of [...this.#films]) {
      if (film.state.sample === sample) this.#drop(key, film);
    }
    this.#tops.delete(sample);
  }

  #resolve(state: State): string {
    return question(state, state.target ?? this.#tops.get(state.sample) ?? null);
  }

  #drop(key: string, film: Film): void {
    this.#films.delete(key);
    this.#bytes -= film.bytes;
    for (const [text, known] of this.#keys) if (known === key) this.#keys.delete(text);
  }
}
