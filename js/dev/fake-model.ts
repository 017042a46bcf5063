/** A widget model without a kernel: what was set and sent can be looked at, and a kernel's part can be played. */

import type { StageTraits } from "../src/contract";
import type { Message, Model } from "../src/widgets/model";

type Callback = (...values: never[]) => void;

export class Fake<T extends object> implements Model<T> {
  readonly saved: Partial<T>[] = [];
  readonly sent: Message[] = [];
  readonly uploads: ArrayBuffer[] = [];
  dead = false;
  /** What the host says of itself: nothing, unless a test has it say something. */
  widget_manager: unknown;
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
    for (const name of Object.keys(traits)) this.tell(`change:${name}`);
  }

  /** What the kernel does with blobs: a message with one buffer. */
  message(message: Message, blob: DataView | null = null): void {
    this.tell("msg:custom", message, blob ? [blob] : []);
  }

  film(blob: DataView): void {
    this.message({ type: "film", bytes: blob.byteLength }, blob);
  }

  /** How many callbacks are still held: none after the cleanup. */
  get listening(): number {
    return [...this.#listeners.values()].reduce((count, one) => count + one.size, 0);
  }

  /** What the host does: call back whoever listens. */
  tell(event: string, ...values: unknown[]): void {
    for (const callback of [...(this.#listeners.get(event) ?? [])]) {
      callback(...(values as never[]));
    }
  }
}

/** Each stage has a key of its own, by which its views know one another. */
let models = 0;

/** The model of a stage. */
export class FakeModel extends Fake<StageTraits> {
  constructor(traits: Partial<StageTraits>) {
    const nothing = new DataView(new ArrayBuffer(0));
    super({
      key: `stage ${++models}`,
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

class FakeSignal {
  readonly #slots = new Set<() => void>();

  get size(): number {
    return this.#slots.size;
  }

  connect(slot: () => void): void {
    this.#slots.add(slot);
  }

  disconnect(slot: () => void): void {
    this.#slots.delete(slot);
  }

  emit(): void {
    for (const slot of [...this.#slots]) slot();
  }
}

/** A kernel's connection as JupyterLab shows it. */
export class FakeKernel {
  id = "first";
  status = "idle";
  connectionStatus = "connected";
  readonly statusChanged = new FakeSignal();
  readonly connectionStatusChanged = new FakeSignal();

  turn(status: string): void {
    this.status = status;
    this.statusChanged.emit();
  }

  /** The line is cut, and there again. */
  cut(): void {
    for (const status of ["connecting", "connected"]) {
      this.connectionStatus = status;
      this.connectionStatusChanged.emit();
    }
  }

  get listening(): number {
    return this.statusChanged.size + this.connectionStatusChanged.size;
  }
}
