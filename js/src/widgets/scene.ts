/**
 * One explorer on this page: its conversation with the kernel and its clock, shared by all of its views.
 *
 * So views of one explorer show one state, whoever drives it, with no message from one to the other: a hand in one of
 * them moves the others as it goes, and a kernel that is busy or gone has no say in it.
 */

import { type Film, type Stop, stopAt } from "../film";
import { allFrames, frameAt } from "../panes";
import { Player } from "../player";
import type { Model } from "./model";
import { Session } from "./session";

/** One view of the explorer. */
export interface Seat {
  readonly model: Model;
  readonly node: Element;
  /** Something changed: paint it. */
  paint(): void;
  /** Only the step did, or what the clock shows. */
  paintStep(): void;
}

export class Scene {
  readonly session: Session;
  readonly player: Player;
  readonly #seats = new Set<Seat>();
  readonly #onEmpty: () => void;
  /** The view whose model is talked through. */
  #speaker: Seat | null = null;
  /** The node that was looked at, to find it again in the film of another picture, and its step. */
  #place: { node: string; step: number } | null = null;
  #level: string;
  #walking = false;

  constructor(model: Model, node: Element, onEmpty: () => void) {
    this.#onEmpty = onEmpty;
    this.session = new Session(
      model,
      { onFilm: (film) => this.#turnTo(film), onChange: () => this.#paint() },
      node,
    );
    // The player counts stops, the look counts frames: a stop more or less in a level moves neither.
    this.player = new Player({ onMove: () => this.#walk(), onRest: () => this.session.rest() });
    this.#level = this.session.look.level;
  }

  /** Take a seat; returns what leaves it. The first one begins the conversation, the last one ends it. */
  enter(seat: Seat): () => void {
    const first = this.#seats.size === 0;
    this.#seats.add(seat);
    if (first) {
      this.#speaker = seat;
      this.session.start();
    } else seat.paint();
    return () => this.#leave(seat);
  }

  /** Look elsewhere at somebody's bidding who names a step and means that one, whatever node was looked at before. */
  forgetPlace(): void {
    this.#place = null;
  }

  #leave(seat: Seat): void {
    this.#seats.delete(seat);
    const [next] = this.#seats;
    if (!next) {
      this.session.stop();
      this.player.destroy();
      this.#onEmpty();
    } else if (seat === this.#speaker) {
      this.#speaker = next;
      this.session.attach(next.model, next.node);
    }
  }

  #stops(): Stop[] {
    return this.session.film?.levels[this.session.look.level] ?? [];
  }

  /** The player moved: by the clock, by a key, by a hand on the rail. */
  #walk(): void {
    const step = this.#stops()[this.player.step]?.frame ?? this.session.look.step;
    this.#walking = true;
    this.session.change({ step }, this.player.moving);
    this.#walking = false;
    this.#place = this.#placeOf(this.session.film);
    for (const seat of [...this.#seats]) seat.paintStep();
  }

  #placeOf(film: Film | null) {
    const { step } = this.session.look;
    const node = film ? frameAt(film, step)?.node : undefined;
    return node === undefined ? null : { node, step };
  }

  #turnTo(film: Film): void {
    const { session, player } = this;
    // Asked for together with another step, as from Python or by undoing, a film is opened there.
    const stays = this.#place?.step === session.look.step;
    const all = allFrames(film);
    const again = stays ? all.findIndex(({ node }) => node === this.#place?.node) : -1;
    const step = again >= 0 ? again : Math.min(session.look.step, all.length - 1);
    if (step !== session.look.step) session.amend({ step });
    this.#place = this.#placeOf(film);
    player.load(this.#stops().length, stopAt(this.#stops(), step));
  }

  #paint(): void {
    if (this.#walking) return;
    const { look, film } = this.session;
    if (film) {
      const stops = this.#stops();
      const stop = stopAt(stops, look.step);
      if (this.#level !== look.level || stop !== this.player.step) {
        this.player.load(stops.length, stop);
      }
      this.#place = this.#placeOf(film) ?? this.#place;
    }
    this.#level = look.level;
    for (const seat of [...this.#seats]) seat.paint();
  }
}

const scenes = new Map<string, Scene>();

/** The scene of this model's explorer: made for its first view, and the same for every other. */
export function sceneOf(model: Model, node: Element): Scene {
  const key = model.get("key");
  const known = scenes.get(key);
  if (known) return known;
  const made = new Scene(model, node, () => scenes.delete(key));
  scenes.set(key, made);
  return made;
}
