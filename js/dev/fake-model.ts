/** A widget model without a kernel: what was set and sent can be looked at, and a kernel's part can be played. */

import type { StageTraits } from "../src/contract";
import type { Message, Model } from "../src/widgets/model";

type Callback = (...values: never[]) => void;

export class Fake<T extends object> implements Model<T> {
  readonly saved: Partial<T>[] = [];
  readonly sent: Message[] = [];
  readonly uploads: ArrayBuffer[] = [];
  dead = false;
  /** What a pretended kernel does with a message of the page. */
  onMessage: (message: Message) => void = () => {};
  readonly #traits: T;
  #dirty: Partial<T> = {};
  readonly #listeners = new Map<string, Set<Callback>>();

  constructor(traits: T) {
    this.#traits = traits;
  }

  get<K extends keyof T>(name: K): T[K] {
    return this.#traits[name];
  }

  set<K extends keyof T>(name: K, value: T[K]): void {
    this.#dirty[name] = value;
    this.put({ [name]: value } as unknown as Partial<T>);
  }

  save_changes(): void {
    if (this.dead) throw new Error("the comm is closed");
    this.saved.push(this.#dirty);
    this.#dirty = {};
  }

  send(message: unknown, _callbacks?: unknown, buffers: (ArrayBuffer | ArrayBufferView)[] = []) {
    if (this.dead) throw new Error("the comm is closed");
    this.sent.push(message as Message);
    for (const buffer of buffers) this.uploads.push(buffer as ArrayBuffer);
    this.onMessage(message as Message);
  }

  on(name: string, callback: Callback): void {
    const known = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, known.add(callback));
  }

  off(name: string, callback: Callback): void {
    this.#listeners.get(name)?.delete(callback);
  }

  /** What the kernel does with traits: change them and tell the page. */
  put(traits: Partial<T>): void {
    Object.assign(this.#traits, traits);
    for (const name of Object.keys(traits)) this.#tell(`change:${name}`);
  }

  /** What the kernel does with blobs: a message with one buffer. */
  message(message: Message, blob: DataView | null = null): void {
    this.#tell("msg:custom", message, blob ? [blob] : []);
  }

  film(blob: DataView): void {
    this.message({ type: "film" }, blob);
  }

  /** How many callbacks are still held: none after the cleanup. */
  get listening(): number {
    return [...this.#listeners.values()].reduce((count, one) => count + one.size, 0);
  }

  #tell(event: string, ...values: unknown[]): void {
    for (const callback of [...(this.#listeners.get(event) ?? [])]) {
      callback(...(values as never[]));
    }
  }
}

/** The model of a stage. */
export class FakeModel extends Fake<StageTraits> {
  constructor(traits: Partial<StageTraits>) {
    const nothing = new DataView(new ArrayBuffer(0));
    super({
      key: "stage",
      setup: {},
      thumbs: nothing,
      kept: nothing,
      progress: {},
      error: {},
      put: {},
      request: {},
      shown: {},
      cancel: 0,
      look: {},
      ...traits,
    });
  }
}
