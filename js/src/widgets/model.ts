/** The widget's model behind a door that a dead kernel cannot slam. */

import type { StageTraits } from "../contract";

/** The part of anywidget's model that is used here: a real one fits, and so does a small pretended one. */
export interface Model {
  get<K extends keyof StageTraits>(name: K): StageTraits[K];
  set<K extends keyof StageTraits>(name: K, value: StageTraits[K]): void;
  on(event: `change:${string}`, callback: () => void): void;
  off(event: `change:${keyof StageTraits}`, callback: () => void): void;
  save_changes(): void;
}

/** Write traits; false where the comm is gone, which leaves a page that still steps through its films. */
export function write(model: Model, traits: Partial<StageTraits>): boolean {
  try {
    for (const [name, value] of Object.entries(traits)) {
      model.set(name as keyof StageTraits, value);
    }
    model.save_changes();
    return true;
  } catch {
    return false;
  }
}

/** Call back when any of the traits changes; returns what stops it. */
export function follow(model: Model, name: keyof StageTraits, onChange: () => void): () => void {
  const event = `change:${name}` as const;
  model.on(event, onChange);
  return () => model.off(event, onChange);
}
