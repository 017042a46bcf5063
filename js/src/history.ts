/** What was looked at before: one step back is one choice of the reader's, however long the hand took. */

/** Choices that follow each other this closely, on the same things, are one. */
const TOGETHER_MS = 600;
const MOST = 200;

export class History<T extends object> {
  #now: T;
  #back: T[] = [];
  #forth: T[] = [];
  /** The names that the last change touched, and when: to tell a drag from a new choice. */
  #touched = "";
  #when = Number.NEGATIVE_INFINITY;

  constructor(first: T) {
    this.#now = first;
  }

  get now(): T {
    return this.#now;
  }

  get canUndo(): boolean {
    return this.#back.length > 0;
  }

  get canRedo(): boolean {
    return this.#forth.length > 0;
  }

  /** Go on to another state; false where nothing differs. */
  change(change: Partial<T>, passing = false): boolean {
    const names = Object.keys(change).filter((name) => differs(this.#now, change, name));
    const time = performance.now();
    if (names.length === 0) {
      if (!passing) this.#when = Math.min(this.#when, time);
      return false;
    }
    const touched = names.sort().join();
    // A walk is one choice, whatever its pace: undoing must not replay it step by step.
    const walking = touched === "step";
    const together = touched === this.#touched && (walking || time - this.#when < TOGETHER_MS);
    if (!together) {
      this.#back.push(this.#now);
      if (this.#back.length > MOST) this.#back.shift();
    }
    this.#touched = touched;
    // A hand that still moves keeps the choice open, however slow it is.
    this.#when = passing ? Number.POSITIVE_INFINITY : time;
    this.#now = { ...this.#now, ...change };
    this.#forth = [];
    return true;
  }

  /** What came from elsewhere, such as an answer that fills in a name: no choice of the reader's. */
  amend(change: Partial<T>): void {
    this.#now = { ...this.#now, ...change };
  }

  undo(): boolean {
    return this.#move(this.#back, this.#forth);
  }

  redo(): boolean {
    return this.#move(this.#forth, this.#back);
  }

  #move(from: T[], to: T[]): boolean {
    const next = from.pop();
    if (next === undefined) return false;
    to.push(this.#now);
    this.#now = next;
    this.#touched = "";
    return true;
  }
}

function differs<T extends object>(now: T, change: Partial<T>, name: string): boolean {
  const before = now[name as keyof T];
  const after = change[name as keyof T];
  return before !== after && JSON.stringify(before) !== JSON.stringify(after);
}
