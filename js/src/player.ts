/** Where on the film the page stands, and the clock that walks it. Knows neither pictures nor kernel. */

/** The page counts as resting when nothing moved for so long. */
const REST_MS = 200;
const SPEED = 2.5;
const FASTER = 1.5;

export interface PlayerEvents {
  /** The step, the speed or playing changed: paint. */
  onMove(): void;
  /** The page has come to rest on a step. */
  onRest(step: number): void;
}

export class Player {
  readonly #events: PlayerEvents;
  #step = 0;
  #count = 0;
  #speed = SPEED;
  #clock: ReturnType<typeof setTimeout> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #playing = false;
  #began = 0;
  #from = 0;
  #held = false;

  constructor(events: PlayerEvents) {
    this.#events = events;
  }

  get step(): number {
    return this.#step;
  }

  get count(): number {
    return this.#count;
  }

  get playing(): boolean {
    return this.#playing;
  }

  /** Whether more moves are on their way: the clock runs, or a hand is on the rail. */
  get moving(): boolean {
    return this.#playing || this.#held;
  }

  get speed(): number {
    return this.#speed;
  }

  /** A film of so many frames; stands at `step`, and goes on playing if it was. */
  load(count: number, step: number): void {
    const before = this.#count === 0 ? step : this.#step;
    this.#count = count;
    this.#step = this.#within(step);
    if (this.#playing) this.#start();
    else if (this.#step !== before) this.#settle(true);
  }

  /** Go to a step by hand, which stops the playing; `resting` is false while the hand still moves. */
  go(step: number, resting = true): void {
    this.#stop();
    this.#held = !resting;
    this.#move(step);
    this.#settle(resting);
  }

  play(): void {
    if (this.#count < 2) return;
    clearTimeout(this.#rest);
    // From the input there is nowhere to go: the walk starts over.
    if (this.#step >= this.#count - 1) this.#step = 0;
    this.#playing = true;
    this.#start();
    this.#events.onMove();
  }

  pause(): void {
    if (!this.#playing) return;
    this.#stop();
    this.#settle(true);
    this.#events.onMove();
  }

  toggle(): void {
    if (this.#playing) this.pause();
    else this.play();
  }

  hurry(faster: boolean): void {
    const speed = faster ? this.#speed * FASTER : this.#speed / FASTER;
    this.#speed = Math.min(30, Math.max(0.3, speed));
    if (this.#playing) this.#start();
    this.#events.onMove();
  }

  destroy(): void {
    clearTimeout(this.#clock);
    clearTimeout(this.#rest);
  }

  #within(step: number): number {
    return Math.max(0, Math.min(this.#count - 1, step));
  }

  #move(step: number): void {
    const next = this.#within(step);
    if (next === this.#step) return;
    this.#step = next;
    this.#events.onMove();
  }

  #settle(resting: boolean): void {
    clearTimeout(this.#rest);
    if (resting) this.#rest = setTimeout(() => this.#events.onRest(this.#step), REST_MS);
  }

  #start(): void {
    this.#began = performance.now();
    this.#from = this.#step;
    this.#tick();
  }

  /** The clock says which step is due, so that a slow paint costs frames and not time. */
  #tick(): void {
    clearTimeout(this.#clock);
    const passed = ((performance.now() - this.#began) * this.#speed) / 1000;
    this.#move(this.#from + Math.floor(passed + 1e-3));
    if (this.#step >= this.#count - 1) {
      this.pause();
      return;
    }
    const due = (Math.floor(passed + 1e-3) + 1 - passed) * (1000 / this.#speed);
    this.#clock = setTimeout(() => this.#tick(), Math.max(4, due));
  }

  #stop(): void {
    clearTimeout(this.#clock);
    this.#playing = false;
  }
}
