/** What the kernel is doing, what it had to say, and what went wrong. */

import { button, el } from "../dom";
import type { Failure, Progress } from "../film";

const WORDS: Record<string, string> = {
  capture: "reading the network",
  walk: "walking back",
  film: "drawing the frames",
};

/** Work that is done sooner than this is not worth a flicker. */
const PATIENCE_MS = 150;

export interface BusyView {
  busy: boolean;
  progress: Progress | null;
  cancellable: boolean;
  /** Why there is no answer to hope for, if so: a kernel that has died says nothing. */
  gone: string | null;
}

export interface BusyEvents {
  onCancel(): void;
}

export function busy({ onCancel }: BusyEvents) {
  const words = el("span", { class: "words" });
  const fill = el("i");
  const bar = el(
    "span",
    { class: "bar", role: "progressbar", "aria-label": "Work in the kernel" },
    fill,
  );
  const cancel = button({ class: "link" }, onCancel, "cancel");
  const node = el("div", { class: "bbp-busy", hidden: true }, words, bar, cancel);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;

  return {
    node,
    update(view: BusyView) {
      if (view.busy && !running) {
        timer = setTimeout(() => {
          node.hidden = false;
        }, PATIENCE_MS);
      }
      if (!view.busy) {
        clearTimeout(timer);
        node.hidden = true;
      }
      running = view.busy;
      const { progress } = view;
      const counted = progress !== null && progress.total > 0;
      const count = counted ? ` ${progress.done} of ${progress.total}` : "";
      words.textContent = view.gone
        ? "no word from the kernel; it may be busy, or gone"
        : `${progress ? (WORDS[progress.stage] ?? progress.stage) : "asking the kernel"}${count}`;
      const part = counted ? Math.round((100 * progress.done) / progress.total) : null;
      bar.classList.toggle("uncounted", !counted);
      fill.style.width = part === null ? "" : `${part}%`;
      if (part === null) bar.removeAttribute("aria-valuenow");
      else bar.setAttribute("aria-valuenow", String(part));
      cancel.hidden = !view.cancellable;
    },
    destroy() {
      clearTimeout(timer);
    },
  };
}

export function banner({ onDismiss }: { onDismiss(): void }) {
  const title = el("b");
  const message = el("p");
  const traceback = el("pre", { tabindex: 0, "aria-label": "traceback" });
  const details = el("details", {}, el("summary", {}, "traceback"), traceback);
  const body = el("div", {}, title, message, details);
  const node = el("div", { class: "bbp-banner", role: "alert", hidden: true });
  const dismiss = button({ class: "link" }, onDismiss, "dismiss");

  return {
    node,
    update(failure: Failure | null) {
      node.hidden = failure === null;
      // An alert is read out when its content arrives, so there is none until there is something to say.
      if (failure === null) return node.replaceChildren();
      title.textContent = failure.title;
      message.textContent = failure.message;
      traceback.textContent = failure.traceback;
      details.hidden = failure.traceback === "";
      node.replaceChildren(body, dismiss);
    },
  };
}

export function notices() {
  const node = el("div", { class: "bbp-notices" });
  return {
    node,
    update(lines: string[]) {
      node.hidden = lines.length === 0;
      node.replaceChildren(...lines.map((line) => el("p", {}, line)));
    },
  };
}

/** Speaks to a screen reader, politely: the last thing said after a moment of rest. */
export function speaker() {
  const node = el("div", { class: "bbp-unseen", "aria-live": "polite" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    node,
    say(text: string) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        node.textContent = text;
      }, 250);
    },
    destroy() {
      clearTimeout(timer);
    },
  };
}
