/**
 * Whether there is a kernel to ask, as far as a page can know.
 *
 * A busy kernel says nothing for minutes and is waited for. One that was restarted, shut down or killed is not: the
 * host marks the views of a dead comm, and JupyterLab tells what its kernel is doing. Other hosts tell less; there
 * only the silence is told.
 */

import type { Gone } from "../talk";
import { listen, type Message, type Model, send } from "./model";

/** A kernel that has not answered for so long is busy, or gone. */
const SILENCE_MS = 5000;
/** The class that ipywidgets gives to the views of a model whose comm has died. */
const DISCONNECTED = ".jupyter-widgets-disconnected";
/** What JupyterLab calls a kernel that answers no more. */
const ENDED = ["dead", "terminating"];

/** The part of JupyterLab's kernel connection that is used here. */
interface Kernel {
  readonly id: string;
  readonly status: string;
  readonly connectionStatus: string;
  readonly statusChanged: Signal;
  readonly connectionStatusChanged: Signal;
}

interface Signal {
  connect(slot: () => void): unknown;
  disconnect(slot: () => void): unknown;
}

export class Pulse {
  readonly #onChange: () => void;
  readonly #onReturn: () => void;
  #model: Model | null = null;
  #node: Element | null = null;
  /** The kernel that made the explorer; undefined where the host does not say. */
  #first: string | undefined;
  #gone: Gone = null;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #stops: (() => void)[] = [];

  /** `onReturn` is called where the line to the kernel was cut and is there again: what it said meanwhile is lost. */
  constructor(onChange: () => void, onReturn: () => void) {
    this.#onChange = onChange;
    this.#onReturn = onReturn;
  }

  get gone(): Gone {
    return this.#gone;
  }

  /** Whether asking is in vain, rather than slow. */
  get lost(): boolean {
    return this.#gone !== null && this.#gone !== "silent";
  }

  /** Whether the kernel has nothing to do, as far as its host says: what it does not answer, it did not hear. */
  get idle(): boolean {
    return (this.#model && kernelOf(this.#model)?.status) === "idle";
  }

  /** Take the pulse through this view's model from now on. */
  attach(model: Model, node: Element | null, saved: boolean): void {
    this.detach();
    this.#model = model;
    this.#node = node;
    if (saved || !model.send) {
      this.#gone = "saved";
      return;
    }
    const kernel = kernelOf(model);
    this.#first ??= kernel?.id;
    const look = () => this.look();
    this.#stops = [listen(model, "comm_live_update", look)];
    if (kernel) {
      const line = () => {
        if (kernel.connectionStatus === "connected" && !this.lost) this.#onReturn();
      };
      kernel.statusChanged.connect(look);
      kernel.connectionStatusChanged.connect(line);
      this.#stops.push(
        () => kernel.statusChanged.disconnect(look),
        () => kernel.connectionStatusChanged.disconnect(line),
      );
    }
    this.look();
  }

  detach(): void {
    clearTimeout(this.#silence);
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }

  /** Look whether the kernel can still be asked. */
  look(): void {
    if (this.#gone === "saved") return;
    const found = this.#read();
    // a kernel that answers again says so itself
    if (found === null && !this.lost) return;
    this.#turn(found);
  }

  /** Say something that is answered; false where there is nobody to say it to. */
  send(message: Message, buffers: ArrayBuffer[] = []): boolean {
    this.look();
    if (!this.#model || this.lost) return false;
    if (!send(this.#model, message, buffers)) {
      this.#turn("dead");
      return false;
    }
    return true;
  }

  /** The comm took nothing more. */
  refused(): void {
    this.#turn("dead");
  }

  /** An answer is due. */
  await(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#turn("silent"), SILENCE_MS);
  }

  /** The kernel said something that cannot be understood: what it was is still due. */
  missed(): void {
    if (!this.lost) this.await();
  }

  /** The kernel said something. */
  heard(): void {
    clearTimeout(this.#silence);
    if (this.#gone === "silent") this.#turn(null);
  }

  #turn(gone: Gone): void {
    if (gone === this.#gone) return;
    clearTimeout(this.#silence);
    this.#gone = gone;
    this.#onChange();
  }

  #read(): Gone {
    const kernel = this.#model ? kernelOf(this.#model) : undefined;
    if (kernel === null || (kernel && ENDED.includes(kernel.status))) return "dead";
    const another = kernel !== undefined && this.#first !== undefined && kernel.id !== this.#first;
    return another || this.#node?.closest(DISCONNECTED) ? "restarted" : null;
  }
}

/** JupyterLab's connection to the kernel: null where it was shut down, undefined in hosts that do not show it. */
function kernelOf(model: Model): Kernel | null | undefined {
  const manager = model.widget_manager;
  if (typeof manager !== "object" || manager === null || !("kernel" in manager)) return undefined;
  return manager.kernel as Kernel | null;
}
