/**
 * The conversation with the kernel: what is looked at, what was asked for it, and what came back.
 *
 * One rule decides: the page shows the films of its look, once they are there, and the last good ones until then.
 * Whatever else arrives is kept for later and not shown.
 */

import { WireError } from "../fields";
import type { Failure, Film, Progress, Request } from "../film";
import { ASKS, FIRST_LOOK, type Look, mended, readLook, stateOf } from "../look";
import type { Gone, Talk } from "../talk";
import { decodeFilm, decodeKept } from "../wire";
import { Asked } from "./asked";
import { Details } from "./details";
import { follow, followMessages, isWhole, type Message, type Model, write } from "./model";
import { Pulse } from "./pulse";
import { refusalOf } from "./refusals";
import { aimOf, Shown, sameAims } from "./shown";
import { readError, readProgress, readPut, readRefusal, readRequest, readSetup } from "./traits";

/** A look is written when it has rested for so long. */
const REST_MS = 200;

export interface SessionEvents {
  /** The film to look at has changed. */
  onFilm(film: Film): void;
  /** Anything else has. */
  onChange(): void;
}

export class Session implements Talk {
  readonly details: Details;
  #model: Model;
  readonly #events: SessionEvents;
  readonly #pulse = new Pulse(
    () => this.#beat(),
    () => this.#greet(),
  );
  #stops: (() => void)[] = [];
  readonly #shown: Shown;
  readonly #asked = new Asked();
  #put = -1;
  /** A hand is on something: what it passes is shown, and not told. */
  #passing = false;
  #failure: Failure | null = null;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(model: Model, events: SessionEvents, node: Element | null = null) {
    this.#model = model;
    this.#events = events;
    this.#shown = new Shown((film) => events.onFilm(film));
    this.details = new Details(
      (message) => this.#pulse.send(message),
      () => events.onChange(),
    );
    this.attach(model, node);
  }

  /** Talk through the model of this view from now on: a host takes a model away with its view. */
  attach(model: Model, node: Element | null): void {
    for (const stop of this.#stops) stop();
    this.#model = model;
    this.#stops = [
      followMessages(model, (message, blob) => this.#hear(message, blob)),
      follow(model, "progress", () => this.#hearProgress()),
      follow(model, "error", () => {
        this.#pulse.heard();
        this.#hearError();
      }),
      follow(model, "put", () => this.#hearPut()),
      follow(model, "request", () => this.#overhear()),
      follow(model, "cancel", () => this.#callOff(this.#model.get("cancel"))),
    ];
    this.#pulse.attach(model, node, readSetup(model.get("setup")).offline);
  }

  /** Look at what the model already holds: a page may be opened on work that is under way, or done, or saved. */
  start(): void {
    const look = this.#model.get("look");
    const seen = typeof look?.put === "number" ? look.put : -1;
    this.#shown.begin({ ...readLook(look) });
    const put = readPut(this.#model.get("put"));
    if (put && put.seq > seen) this.#shown.begin(readLook(put.look));
    this.#put = Math.max(seen, put?.seq ?? -1);
    this.#asked.recall(
      readRequest(this.#model.get("request")),
      readProgress(this.#model.get("progress")),
    );
    if (this.#asked.awaiting) this.#shown.begin(aimOf(this.#asked.awaiting));
    this.#openKept();
    this.#hearError();
    this.#greet();
    this.#shown.refresh();
    this.#events.onChange();
  }

  get look(): Look {
    return this.#shown.look;
  }

  get canUndo(): boolean {
    return this.#shown.history.canUndo;
  }

  get canRedo(): boolean {
    return this.#shown.history.canRedo;
  }

  /** The film of the active lane, or the last good one while its own is on its way. */
  get film(): Film | null {
    return this.#shown.film;
  }

  /** One film a lane, all of one sample and target; null where it is not there yet. */
  get films(): (Film | null)[] {
    return this.#shown.films;
  }

  /** The lanes that are being computed. */
  get working(): number[] {
    return this.#asked.awaiting ? this.#shown.missing : [];
  }

  get busy(): boolean {
    return this.#asked.awaiting !== null || this.progress !== null;
  }

  get progress(): Progress | null {
    return this.#asked.progress;
  }

  get cancellable(): boolean {
    return this.#asked.cancellable !== null;
  }

  get failure(): Failure | null {
    return this.#failure;
  }

  get gone(): Gone {
    return this.#pulse.gone;
  }

  /** The reader chose: look elsewhere, and ask for what is missing there. */
  change(change: Partial<Look>, passing = false): void {
    const next = mended({ ...this.look, ...change });
    const moved = this.#shown.history.change(next, passing);
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
    this.#shown.begin(change);
  }

  undo(): void {
    if (this.#shown.history.undo()) this.#follow(false);
  }

  redo(): void {
    if (this.#shown.history.redo()) this.#follow(false);
  }

  cancel(): void {
    const seq = this.#asked.cancellable;
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
    return this.#pulse.send({ type: "upload", seq: this.#asked.next(), name }, [bytes]);
  }

  stop(): void {
    clearTimeout(this.#rest);
    this.#pulse.detach();
    for (const stop of this.#stops) stop();
  }

  // -- the look --------------------------------------------------------------------------------------------

  #follow(passing: boolean): void {
    if (!passing) this.#seek();
    this.#shown.refresh();
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

  /** Ask for what the look needs; what has been seen before is shown at once. */
  #seek(): void {
    const wanted = this.#shown.missing;
    if (wanted.length === 0) {
      const given = this.#asked.awaiting?.seq ?? null;
      if (given === null && this.#shown.isGood) return;
      // It told of what is no longer looked for; a kernel that went stays gone.
      if (this.#pulse.gone === null || this.#pulse.gone === "saved") this.#failure = null;
      this.#asked.leave(); // before it is told: the model tells its own views as well
      if (given !== null) write(this.#model, { cancel: given });
      const film = this.#shown.find();
      // nothing is asked, but Python should know what its user looks at
      if (film) write(this.#model, { shown: { ...film.state, key: film.key } });
      return;
    }
    const aim = aimOf(this.look);
    if (this.#asked.awaits({ seq: 0, ...aim, wanted })) return;
    this.#failure = null;
    this.#pulse.look();
    if (this.#pulse.lost) {
      this.#refuse();
      return;
    }
    const request = { seq: this.#asked.next(), ...aim, wanted };
    this.#asked.await(request);
    if (write(this.#model, { request: { ...request } })) this.#pulse.await();
    else this.#pulse.refused();
  }

  /** Nobody can make this film: that is told at once, and what was shown last is shown again. */
  #refuse(): void {
    const refusal = refusalOf(this.#pulse.gone);
    if (refusal) this.#fail(refusal);
  }

  /** Here or in another view of the same model; the kernel may be gone, so nothing is waited for. */
  #callOff(seq: number): void {
    if (this.#asked.isOld(seq)) return;
    this.#asked.leave();
    this.#shown.goBack();
    this.#events.onChange();
  }

  // -- the kernel ------------------------------------------------------------------------------------------

  #hear(message: Message, blob: DataView | null): void {
    if (!isWhole(message, blob)) {
      this.#pulse.missed();
      return;
    }
    this.#pulse.heard();
    if (message.type === "film" && blob) this.#receive(blob);
    else if (message.type === "detail") this.details.receive(message, blob);
    else if (message.type === "uploaded") this.#hearUploaded(message);
    else if (message.type === "forget") this.#forget(message);
  }

  /** What is shown stays until the film of the new input is there. */
  #forget({ sample }: Message): void {
    if (typeof sample !== "number") return;
    this.#shown.store.forget(sample);
    this.details.forget();
  }

  #receive(blob: DataView): void {
    const film = this.#decode(() => decodeFilm(blob));
    if (!film) return;
    const request = this.#asked.answeredBy(film);
    this.#shown.store.put(film, request && stateOf({ ...this.look, ...request }, film.lane));
    // What Python began by itself is looked at, unless the reader has asked for something since.
    if (film.answers === null && !this.#asked.awaiting) this.#shown.adopt(film);
    if (this.#shown.missing.length === 0) this.#asked.done();
    if (film.answers === null) this.#failure = null;
    this.#shown.refresh();
    this.#events.onChange();
  }

  #openKept(): void {
    const data = this.#model.get("kept");
    if (!data || data.byteLength === 0) return;
    const kept = this.#decode(() => decodeKept(data));
    if (!kept) return;
    for (const film of kept.films) this.#shown.store.put(film, null);
    for (const { key, answer } of kept.details) this.details.keep(key, answer);
    this.#shown.begin(readLook(kept.look));
    const first = kept.films[0];
    if (first && !this.#shown.find()) this.#shown.adopt(first);
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
    this.#pulse.heard();
    this.#asked.hearProgress(readProgress(this.#model.get("progress")));
    this.#events.onChange();
  }

  #hearError(): void {
    const failure = readError(this.#model.get("error"));
    if (!failure) {
      if (this.#failure) this.dismiss();
      return;
    }
    if (failure.seq !== null && this.#asked.isOld(failure.seq)) return;
    const { awaiting } = this.#asked;
    if (failure.lane !== null && awaiting && this.look.lanes.length > 1) {
      this.#loseLane(failure, awaiting);
    } else this.#fail(failure);
  }

  /** One lane failed, those after it are still on their way. */
  #loseLane(failure: Failure, request: Request): void {
    const lost = stateOf({ ...FIRST_LOOK, ...request }, failure.lane ?? 0);
    if (!this.#shown.dropLane(lost)) return;
    this.#failure = failure;
    if (this.#shown.missing.length === 0) this.#asked.done();
    this.#shown.refresh();
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
    this.#asked.leave();
    this.#shown.goBack();
    this.#events.onChange();
  }

  /** Python asked to look elsewhere; whatever that needs, it is already computing. */
  #hearPut(): void {
    this.#pulse.heard();
    const put = readPut(this.#model.get("put"));
    if (!put || put.seq <= this.#put) return;
    this.#put = put.seq;
    const look = readLook(put.look);
    const next = mended({ ...this.look, ...look });
    const asks = ASKS.some((name) => name in look);
    // What is awaited may be what it asks for: a page that was opened meanwhile is told what is shown.
    const { awaiting } = this.#asked;
    if (asks && !(awaiting && sameAims(awaiting, next))) this.#asked.leave();
    // While there is nothing to see there is nothing to go back to.
    if (this.film) this.#shown.history.change(next);
    else this.#shown.begin(next);
    this.#shown.refresh();
    this.#settleDown(false);
    this.#events.onChange();
  }

  /** Another view of the same model has asked: its answer is as good here. */
  #overhear(): void {
    const request = readRequest(this.#model.get("request"));
    if (!request || !this.#asked.isNewer(request)) return;
    this.#asked.await(request);
    this.#shown.begin(aimOf(request));
    this.#shown.refresh();
    this.#events.onChange();
  }

  #greet(): void {
    if (!this.#pulse.lost && this.#pulse.send({ type: "hello" })) this.#pulse.await();
  }

  /** The kernel is lost, silent, or there again. */
  #beat(): void {
    if (this.#pulse.lost) {
      this.#asked.hearProgress(null);
      this.details.forsake();
      // Whatever failed just before, there is nobody to ask again.
      if (this.#asked.awaiting || this.#failure) this.#refuse();
    } else if (this.#pulse.gone === null) this.details.revive();
    else if (this.#pulse.gone === "silent" && this.#pulse.idle) this.#greet(); // once: the word was lost
    this.#events.onChange();
  }
}
