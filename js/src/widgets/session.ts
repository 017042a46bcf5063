/**
 * The conversation with the kernel: what is looked at, what was asked for it, and what came back.
 *
 * One rule decides: the page shows the films of its look, once they are there, and the last good ones until then.
 * Whatever else arrives is kept for later and not shown.
 */

import { WireError } from "../fields";
import type { Failure, Film, Progress, Request } from "../film";
import { History } from "../history";
import { ASKS, FIRST_LOOK, type Look, mended, readLook, stateOf } from "../look";
import { FilmStore, question } from "../store";
import type { Gone, Talk } from "../talk";
import { decodeFilm, decodeKept } from "../wire";
import { Details } from "./details";
import { follow, followMessages, listen, type Message, type Model, send, write } from "./model";
import { readError, readProgress, readPut, readRefusal, readRequest, readSetup } from "./traits";

/** A look is written when it has rested for so long. */
const REST_MS = 200;
/** A kernel that has not answered for so long is busy, or gone. */
const SILENCE_MS = 5000;

export interface SessionEvents {
  /** The film to look at has changed. */
  onFilm(film: Film): void;
  /** Anything else has. */
  onChange(): void;
}

export class Session implements Talk {
  readonly details: Details;
  readonly #model: Model;
  readonly #events: SessionEvents;
  readonly #store = new FilmStore();
  readonly #stops: (() => void)[];
  #history = new History<Look>(FIRST_LOOK);
  /** The look whose films were all there: what is gone back to when an answer fails. */
  #good: Look | null = null;
  #film: Film | null = null;
  /** The largest number a question has had, in this view or another. */
  #newest = 0;
  /** Messages up to this number came too late: the page has gone elsewhere since. */
  #settled = -1;
  #awaiting: Request | null = null;
  #put = -1;
  /** A hand is on something: what it passes is shown, and not told. */
  #passing = false;
  #progress: Progress | null = null;
  #failure: Failure | null = null;
  #gone: Gone = null;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(model: Model, events: SessionEvents) {
    this.#model = model;
    this.#events = events;
    this.details = new Details(model, () => events.onChange());
    this.#stops = [
      followMessages(model, (message, blob) => this.#hear(message, blob)),
      follow(model, "progress", () => this.#hearProgress()),
      follow(model, "error", () => {
        this.#heard();
        this.#hearError();
      }),
      follow(model, "put", () => this.#hearPut()),
      follow(model, "request", () => this.#overhear()),
      follow(model, "cancel", () => this.#callOff(this.#model.get("cancel"))),
      listen(model, "comm_live_update", () => this.#greet()),
    ];
  }

  /** Look at what the model already holds: a page may be opened on work that is under way, or done, or saved. */
  start(): void {
    const look = this.#model.get("look");
    const seen = typeof look?.put === "number" ? look.put : -1;
    this.#begin({ ...readLook(look) });
    const put = readPut(this.#model.get("put"));
    if (put && put.seq > seen) this.#begin(readLook(put.look));
    this.#put = Math.max(seen, put?.seq ?? -1);
    const request = readRequest(this.#model.get("request"));
    if (request) this.#newest = request.seq;
    this.#progress = readProgress(this.#model.get("progress"));
    if (request && this.#progress?.seq === request.seq) this.#awaiting = request;
    this.#openKept();
    this.#hearError();
    this.#greet();
    this.#refresh();
    this.#events.onChange();
  }

  get look(): Look {
    return this.#history.now;
  }

  get canUndo(): boolean {
    return this.#history.canUndo;
  }

  get canRedo(): boolean {
    return this.#history.canRedo;
  }

  /** The film of the active lane, or the last good one while its own is on its way. */
  get film(): Film | null {
    return this.#film;
  }

  /** One film a lane, all of one sample and target; null where it is not there yet. */
  get films(): (Film | null)[] {
    const { look } = this;
    const active = this.#film;
    return look.lanes.map((_, lane) => {
      if (lane === look.lane) return active;
      const film = this.#store.find(stateOf(look, lane));
      return film && active && sameAim(film, active) ? film : null;
    });
  }

  /** The lanes that are being computed. */
  get working(): number[] {
    return this.#awaiting ? this.#missing() : [];
  }

  get busy(): boolean {
    return this.#awaiting !== null || this.progress !== null;
  }

  /** What the kernel says of the question that is waited for, or of work of its own. */
  get progress(): Progress | null {
    const seq = this.#progress?.seq ?? null;
    if (seq === null) return this.#progress;
    const current = this.#awaiting ? seq === this.#awaiting.seq : seq > this.#settled;
    return current ? this.#progress : null;
  }

  get cancellable(): boolean {
    return this.#awaiting !== null || (this.progress?.seq ?? null) !== null;
  }

  get failure(): Failure | null {
    return this.#failure;
  }

  get gone(): Gone {
    return this.#gone;
  }

  /** The reader chose: look elsewhere, and ask for what is missing there. */
  change(change: Partial<Look>, passing = false): void {
    const next = mended({ ...this.look, ...change });
    const moved = this.#history.change(next, passing);
    // A hand that lets go where it is changes nothing more, but only now is it at rest.
    const letGo = this.#passing && !passing;
    if (!moved && !letGo) return;
    this.#passing = passing;
    this.#follow(passing);
  }

  /** The walk is over: what was passed through on the way is written where it ended. */
  rest(): void {
    this.#settleDown(false);
  }

  /** Follow what the reader did not choose: another film has another number of frames. */
  amend(change: Partial<Look>): void {
    this.#begin(change);
  }

  undo(): void {
    if (this.#history.undo()) this.#follow(false);
  }

  redo(): void {
    if (this.#history.redo()) this.#follow(false);
  }

  cancel(): void {
    const seq = this.#awaiting?.seq ?? this.progress?.seq ?? null;
    if (seq === null) return;
    write(this.#model, { cancel: seq });
    this.#callOff(seq);
  }

  dismiss(): void {
    this.#failure = null;
    this.#events.onChange();
  }

  /** A picture of the reader's own, for the kernel to explain. */
  upload(name: string, bytes: ArrayBuffer): boolean {
    this.#newest += 1;
    return send(this.#model, { type: "upload", seq: this.#newest, name }, [bytes]);
  }

  stop(): void {
    clearTimeout(this.#rest);
    clearTimeout(this.#silence);
    for (const stop of this.#stops) stop();
  }

  // -- the look --------------------------------------------------------------------------------------------

  #begin(look: Partial<Look>): void {
    this.#history.amend(mended({ ...this.look, ...look }));
  }

  #follow(passing: boolean): void {
    if (!passing) this.#seek();
    this.#refresh();
    this.#settleDown(passing);
    this.#events.onChange();
  }

  /** Tell Python what is looked at, once it is at rest; never while a hand moves or the film plays. */
  #settleDown(passing: boolean): void {
    clearTimeout(this.#rest);
    if (passing) return;
    this.#rest = setTimeout(() => {
      write(this.#model, { look: { ...this.look, put: this.#put } });
    }, REST_MS);
  }

  /** The lanes of the look whose whole films are not here. */
  #missing(): number[] {
    const { look } = this;
    const lanes = [...look.lanes.keys()];
    return lanes.filter((lane) => this.#store.find(stateOf(look, lane))?.part !== "whole");
  }

  /** Ask for what the look needs; what has been seen before is shown at once. */
  #seek(): void {
    const { look } = this;
    const wanted = this.#missing();
    if (wanted.length === 0) {
      if (!this.#awaiting && this.#good && sameQuestions(this.#good, look)) return;
      const given = this.#awaiting?.seq ?? null;
      this.#leave(); // before it is told: the model tells its own views as well
      if (given !== null) write(this.#model, { cancel: given });
      const film = this.#store.find(stateOf(look));
      // nothing is asked, but Python should know what its user looks at
      if (film) write(this.#model, { shown: { ...film.state, key: film.key } });
      return;
    }
    const { sample, target, versus, lanes } = look;
    const request = { seq: this.#newest + 1, sample, target, versus, lanes, wanted };
    if (this.#awaiting && asked(this.#awaiting) === asked(request)) return;
    this.#failure = null;
    if (this.#gone === "saved") {
      this.#refuse();
      return;
    }
    this.#newest = request.seq;
    this.#awaiting = request;
    write(this.#model, { request: { ...request } });
    this.#listenForSilence();
  }

  /** A saved page has what it was given. */
  #refuse(): void {
    this.#fail({
      seq: null,
      lane: null,
      title: "Not in this page",
      message:
        "This page was saved without that film, and has no kernel to ask. Save it again with more rules, samples or targets.",
      traceback: "",
    });
  }

  /** Show the films of the look if they are there. */
  #refresh(): void {
    const { look } = this;
    const film = this.#store.find(stateOf(look));
    if (!film) return;
    const here = [...look.lanes.keys()].filter((lane) => this.#has(lane));
    const lanes = look.lanes.filter((_, lane) => here.includes(lane));
    this.#good = { ...look, lanes, lane: here.indexOf(look.lane) };
    if (film === this.#film) return;
    this.#film = film;
    this.#events.onFilm(film);
  }

  #has(lane: number): boolean {
    return this.#store.find(stateOf(this.look, lane)) !== null;
  }

  /** Back to the last look whose films are there. */
  #goBack(): void {
    const good = this.#good;
    if (!good) return;
    const { sample, target, versus, lanes, lane } = good;
    this.#history.amend(mended({ ...this.look, sample, target, versus, lanes, lane }));
    this.#refresh();
  }

  /** Here or in another view of the same model; the kernel may be gone, so nothing is waited for. */
  #callOff(seq: number): void {
    if (seq < this.#newest || seq <= this.#settled) return;
    this.#leave();
    this.#goBack();
    this.#events.onChange();
  }

  #leave(): void {
    this.#settled = this.#newest;
    this.#awaiting = null;
  }

  // -- the kernel ------------------------------------------------------------------------------------------

  #hear(message: Message, blob: DataView | null): void {
    this.#heard();
    if (message.type === "film" && blob) this.#receive(blob);
    else if (message.type === "detail") this.details.receive(message, blob);
    else if (message.type === "uploaded") this.#hearUploaded(message);
    else if (message.type === "forget") this.#forget(message);
  }

  /** What is shown stays until the film of the new input is there. */
  #forget({ sample }: Message): void {
    if (typeof sample !== "number") return;
    this.#store.forget(sample);
    this.details.forget();
  }

  #receive(blob: DataView): void {
    const film = this.#decode(() => decodeFilm(blob));
    if (!film) return;
    const request = this.#awaiting;
    const answers = film.answers !== null && film.answers === request?.seq;
    this.#store.put(
      film,
      answers && request ? stateOf({ ...this.look, ...request }, film.lane) : null,
    );
    // What Python began by itself is looked at, unless the reader has asked for something since.
    if (film.answers === null && !request) this.#adopt(film);
    if (answers && this.#missing().length === 0) this.#awaiting = null;
    if (film.answers === null) this.#failure = null;
    this.#refresh();
    this.#events.onChange();
  }

  #adopt(film: Film): void {
    const { sample, target, versus, ...lane } = film.state;
    const place = Math.min(film.lane, this.look.lanes.length);
    const lanes = this.look.lanes.map((one, at) => (at === place ? lane : one));
    if (place === lanes.length) lanes.push(lane);
    this.#begin({ sample, target, versus, lanes });
  }

  #openKept(): void {
    const data = this.#model.get("kept");
    if (!data || data.byteLength === 0) return;
    const kept = this.#decode(() => decodeKept(data));
    if (!kept) return;
    for (const film of kept.films) this.#store.put(film, null);
    for (const { key, answer } of kept.details) this.details.keep(key, answer);
    this.#begin(readLook(kept.look));
    const first = kept.films[0];
    if (first && !this.#store.find(stateOf(this.look))) this.#adopt(first);
  }

  #decode<T>(read: () => T): T | null {
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause;
      const message = `${cause.message}. The page and the Python package may be of different versions.`;
      this.#fail({
        seq: null,
        lane: null,
        title: "This film cannot be read",
        message,
        traceback: "",
      });
      return null;
    }
  }

  #hearProgress(): void {
    this.#heard();
    this.#progress = readProgress(this.#model.get("progress"));
    this.#events.onChange();
  }

  #hearError(): void {
    const failure = readError(this.#model.get("error"));
    if (!failure) {
      if (this.#failure) this.dismiss();
      return;
    }
    if (failure.seq !== null && (failure.seq < this.#newest || failure.seq <= this.#settled))
      return;
    if (failure.lane !== null && this.#awaiting && this.look.lanes.length > 1) {
      this.#loseLane(failure, this.#awaiting);
    } else this.#fail(failure);
  }

  /** One lane failed, those after it are still on their way. */
  #loseLane(failure: Failure, request: Request): void {
    const lost = stateOf({ ...FIRST_LOOK, ...request }, failure.lane ?? 0);
    const { look } = this;
    const text = question(lost, lost.target);
    const lane = look.lanes.findIndex((_, at) => {
      const state = stateOf(look, at);
      return question(state, state.target) === text;
    });
    if (lane < 0) return;
    const lanes = look.lanes.filter((_, at) => at !== lane);
    this.#begin({ lanes, lane: look.lane - (look.lane > lane ? 1 : 0) });
    this.#failure = failure;
    if (this.#missing().length === 0) this.#awaiting = null;
    this.#refresh();
    this.#events.onChange();
  }

  #hearUploaded(message: Message): void {
    const error = readRefusal(message.error);
    if (error) this.#fail(error);
    else if (typeof message.sample === "number") {
      this.change({ sample: message.sample, target: null, versus: null });
    }
  }

  #fail(failure: Failure): void {
    this.#failure = failure;
    this.#leave();
    this.#goBack();
    this.#events.onChange();
  }

  /** Python asked to look elsewhere; whatever that needs, it is already computing. */
  #hearPut(): void {
    this.#heard();
    const put = readPut(this.#model.get("put"));
    if (!put || put.seq <= this.#put) return;
    this.#put = put.seq;
    const look = readLook(put.look);
    if (ASKS.some((name) => name in look)) this.#leave();
    this.#history.change(mended({ ...this.look, ...look }));
    this.#refresh();
    this.#settleDown(false);
    this.#events.onChange();
  }

  /** Another view of the same model has asked: its answer is as good here. */
  #overhear(): void {
    const request = readRequest(this.#model.get("request"));
    if (!request || request.seq <= this.#newest) return;
    const { seq, sample, target, versus, lanes } = request;
    this.#newest = seq;
    this.#awaiting = request;
    this.#begin({ sample, target, versus, lanes });
    this.#refresh();
    this.#events.onChange();
  }

  #greet(): void {
    if (!this.#model.send || readSetup(this.#model.get("setup")).offline) {
      this.#gone = "saved";
      return;
    }
    if (send(this.#model, { type: "hello" })) this.#listenForSilence();
    else this.#silent();
  }

  #listenForSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#silent(), SILENCE_MS);
  }

  #silent(): void {
    this.#gone = "silent";
    this.#events.onChange();
  }

  #heard(): void {
    clearTimeout(this.#silence);
    if (this.#gone !== "silent") return;
    this.#gone = null;
    this.details.revive();
    this.#events.onChange();
  }
}

/** What a request wants to be sent, as text: the same wish twice is asked once. */
function asked(request: Request): string {
  const films = request.wanted.map((lane) => stateOf({ ...FIRST_LOOK, ...request }, lane));
  return films.map((state) => question(state, state.target)).join();
}

function sameQuestions(a: Look, b: Look): boolean {
  return (
    ASKS.every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name])) && a.lane === b.lane
  );
}

function sameAim(a: Film, b: Film): boolean {
  return (
    a.state.sample === b.state.sample &&
    a.target.index === b.target.index &&
    a.target.versus === b.target.versus
  );
}
