/** The widget's model behind a door that a dead kernel cannot slam. */

import type { StageTraits } from "../contract";

/** What travels beside the traits: `docs/film.md` lists the types. */
export type Message = { type: string } & Record<string, unknown>;

/** The part of anywidget's model that is used here: a real one fits, and so does a small pretended one. */
export interface Model<T = StageTraits> {
  get<K extends keyof T>(name: K): T[K];
  set<K extends keyof T>(name: K, value: T[K]): void;
  on(event: string, callback: (...values: never[]) => void): void;
  off(event: string, callback: (...values: never[]) => void): void;
  save_changes(): void;
  /** What the host says of itself, where anywidget shows it. */
  readonly widget_manager?: unknown;
  /** Not there on a page that was saved: it has no kernel to send to. */
  send?(content: unknown, callbacks?: unknown, buffers?: (ArrayBuffer | ArrayBufferView)[]): void;
}

/** Write traits; false where the comm is gone, which leaves a page that still steps through its films. */
export function write<T>(model: Model<T>, traits: Partial<T>): boolean {
  try {
    for (const name of Object.keys(traits) as (keyof T)[]) {
      model.set(name, traits[name] as T[keyof T]);
    }
    model.save_changes();
    return true;
  } catch {
    return false;
  }
}

/** Send a message; false where there is nobody to send it to. */
export function send(model: Model, message: Message, buffers: ArrayBuffer[] = []): boolean {
  if (!model.send) return false;
  try {
    model.send(message, undefined, buffers);
    return true;
  } catch {
    return false;
  }
}

/** Call back when any of the traits changes; returns what stops it. */
export function follow<T>(
  model: Model<T>,
  name: keyof T & string,
  onChange: () => void,
): () => void {
  return listen(model, `change:${name}`, onChange);
}

/** Call back with every message of the kernel; returns what stops it. */
export function followMessages(
  model: Model,
  onMessage: (message: Message, blob: DataView | null) => void,
): () => void {
  return listen(model, "msg:custom", (message: Message, buffers?: unknown[]) => {
    const [first] = buffers ?? [];
    onMessage(message, viewOf(first));
  });
}

/** Whether a message came with the buffer that it was sent with: of two that tear into each other neither does. */
export function isWhole(message: Message, blob: DataView | null): boolean {
  return message.bytes === undefined || message.bytes === blob?.byteLength;
}

/** A buffer comes as a view or bare, as the host likes it. */
function viewOf(buffer: unknown): DataView | null {
  if (buffer instanceof ArrayBuffer) return new DataView(buffer);
  if (!ArrayBuffer.isView(buffer)) return null;
  return new DataView(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}

export function listen<A extends unknown[], T = StageTraits>(
  model: Model<T>,
  event: string,
  callback: (...values: A) => void,
): () => void {
  const heard = callback as unknown as (...values: never[]) => void;
  model.on(event, heard);
  return () => model.off(event, heard);
}
