/** What is looked at, and which film is there to see of it: the last good one until its own has come. */

import type { Film, State } from "../film";
import { History } from "../history";
import { FIRST_LOOK, type Look, mended, stateOf } from "../look";
import { FilmStore, question } from "../store";

/** What a look or a request asks: of what, and by which rules. */
export type Aims = Pick<Look, "sample" | "target" | "versus" | "lanes">;

export class Shown {
  readonly history = new History<Look>(FIRST_LOOK);
  readonly store = new FilmStore();
  readonly #onFilm: (film: Film) => void;
  /** The look whose films were all there: what is gone back to when an answer fails. */
  #good: Look | null = null;
  #film: Film | null = null;

  constructor(onFilm: (film: Film) => void) {
    this.#onFilm = onFilm;
  }

  get look(): Look {
    return this.history.now;
  }

  get film(): Film | null {
    return this.#film;
  }

  get films(): (Film | null)[] {
    const { look } = this;
    const active = this.#film;
    return look.lanes.map((_, lane) => {
      if (lane === look.lane) return active;
      const film = this.#find(lane);
      return film && active && sameAim(film, active) ? film : null;
    });
  }

  /** The lanes of the look whose whole films are not here. */
  get missing(): number[] {
    return [...this.look.lanes.keys()].filter((lane) => this.#find(lane)?.part !== "whole");
  }

  /** Whether the films of the look are those that were all there last. */
  get isGood(): boolean {
    return this.#good !== null && sameQuestions(this.#good, this.look);
  }

  /** The film that the look asks for, where it is there. */
  find(): Film | null {
    return this.#find(this.look.lane);
  }

  /** Look elsewhere; it is no step to undo. */
  begin(look: Partial<Look>): void {
    this.history.amend(mended({ ...this.look, ...look }));
  }

  /** Look at a film that nobody asked for, in the place that it was made for. */
  adopt(film: Film): void {
    const { sample, target, versus, ...lane } = film.state;
    const place = Math.min(film.lane, this.look.lanes.length);
    const lanes = this.look.lanes.map((one, at) => (at === place ? lane : one));
    if (place === lanes.length) lanes.push(lane);
    this.begin({ sample, target, versus, lanes });
  }

  /** Look no more at the lane that asks this; false where there is none. */
  dropLane(lost: State): boolean {
    const { look } = this;
    const text = question(lost, lost.target);
    const lane = look.lanes.findIndex((_, at) => {
      const state = stateOf(look, at);
      return question(state, state.target) === text;
    });
    if (lane < 0) return false;
    const lanes = look.lanes.filter((_, at) => at !== lane);
    this.begin({ lanes, lane: look.lane - (look.lane > lane ? 1 : 0) });
    return true;
  }

  /** Show the films of the look if they are there. */
  refresh(): void {
    const { look } = this;
    const film = this.find();
    if (!film) return;
    const here = [...look.lanes.keys()].filter((lane) => this.#find(lane) !== null);
    const lanes = look.lanes.filter((_, lane) => here.includes(lane));
    this.#good = { ...look, lanes, lane: here.indexOf(look.lane) };
    if (film === this.#film) return;
    this.#film = film;
    this.#onFilm(film);
  }

  /** Back to the last look whose films are there. */
  goBack(): void {
    const good = this.#good;
    if (!good) return;
    this.begin({ ...aimOf(good), lane: good.lane });
    this.refresh();
  }

  #find(lane: number): Film | null {
    return this.store.find(stateOf(this.look, lane));
  }
}

export function aimOf({ sample, target, versus, lanes }: Aims): Aims {
  return { sample, target, versus, lanes };
}

export function sameAims(a: Aims, b: Aims): boolean {
  return JSON.stringify(aimOf(a)) === JSON.stringify(aimOf(b));
}

function sameQuestions(a: Look, b: Look): boolean {
  return sameAims(a, b) && a.lane === b.lane;
}

function sameAim(a: Film, b: Film): boolean {
  return (
    a.state.sample === b.state.sample &&
    a.target.index === b.target.index &&
    a.target.versus === b.target.versus
  );
}
