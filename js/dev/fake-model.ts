/** A widget model without a kernel: what was set and saved can be looked at, and traits can be sent. */

import type { StageTraits } from "../src/contract";
import type { Model } from "../src/widgets/model";

export class FakeModel implements Model {
  readonly saved: Partial<StageTraits>[] = [];
  dead = false;
  readonly #traits: StageTraits;
  #dirty: Partial<StageTraits> = {};
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(traits: Partial<StageTraits>) {
    const nothing = new DataView(new ArrayBuffer(0));
    this.#traits = {
      setup: {},
      thumbs: nothing,
      film: nothing,
      progress: {},
      error: {},
      jump: {},
      request: {},
      shown: {},
      cancel: 0,
      step: 0,
      ...traits,
    };
  }

  get<K extends keyof StageTraits>(name: K): StageTraits[K] {
    return this.#traits[name];
  }

  set<K extends keyof StageTraits>(name: K, value: StageTraits[K]): void {
    this.#dirty[name] = value;
    this.send({ [name]: value });
  }

  save_changes(): void {
    if (this.dead) throw new Error("the comm is closed");
    this.saved.push(this.#dirty);
    this.#dirty = {};
  }

  on(name: string, callback: () => void): void {
    const known = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, known.add(callback));
  }

  off(name: string, callback: () => void): void {
    this.#listeners.get(name)?.delete(callback);
  }

  /** What the kernel does: change traits and tell the page. */
  send(traits: Partial<StageTraits>): void {
    Object.assign(this.#traits, traits);
    for (const name of Object.keys(traits)) {
      for (const callback of this.#listeners.get(`change:${name}`) ?? []) callback();
    }
  }

  /** How many callbacks are still held: none after the cleanup. */
  get listening(): number {
    return [...this.#listeners.values()].reduce((count, one) => count + one.size, 0);
  }
}
