/** Back and forth, the state as Python, and whether there is a kernel at all. */

import { button, el } from "../dom";
import type { Look } from "../look";

export interface ToolbarEvents {
  onUndo(): void;
  onRedo(): void;
  say(text: string): void;
}

export interface ToolbarView {
  look: Look;
  canUndo: boolean;
  canRedo: boolean;
  gone: "saved" | "silent" | null;
}

const GONE = {
  saved: ["saved page", "There is no kernel. What was saved with the page is all here."],
  silent: [
    "no kernel",
    "No word from the kernel: it is busy, or gone. Films that were seen keep stepping.",
  ],
} as const;

export function toolbar({ onUndo, onRedo, say }: ToolbarEvents) {
  let look: Look | null = null;
  const badge = el("span", { class: "badge", role: "status", hidden: true });
  const undo = button({ class: "link", title: "Undo (Ctrl Z)" }, onUndo, "undo");
  const redo = button({ class: "link", title: "Redo (Ctrl Shift Z)" }, onRedo, "redo");
  const copy = button(
    { class: "link", title: "Copy what is shown as a line of Python" },
    async () => {
      if (!look) return;
      const copied = await copyText(asPython(look));
      say(copied ? "copied as Python" : "could not be copied");
      copy.textContent = copied ? "copied" : "not copied";
      setTimeout(() => {
        copy.textContent = COPY;
      }, 1500);
    },
    "copy as Python",
  );
  const COPY = "copy as Python";
  const node = el(
    "div",
    { class: "bbp-toolbar", role: "group", "aria-label": "History" },
    badge,
    undo,
    redo,
    copy,
  );

  return {
    node,
    update(view: ToolbarView) {
      look = view.look;
      undo.disabled = !view.canUndo;
      redo.disabled = !view.canRedo;
      badge.hidden = view.gone === null;
      if (view.gone === null) return;
      const [face, says] = GONE[view.gone];
      // A status is read out when it changes, so it is left alone while it does not.
      if (badge.textContent !== face) badge.textContent = face;
      badge.title = says;
    },
  };
}

/** The line that brings an explorer to this look. */
export function asPython(look: Look): string {
  return `explorer.state = ${literal(look)}`;
}

export function literal(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).map(
      ([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`,
    );
    return `{${entries.join(", ")}}`;
  }
  return JSON.stringify(value);
}

/** Put text on the clipboard; a page that may not is asked the old way. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = el("textarea", { class: "bbp-unseen", "aria-hidden": "true", tabindex: -1 });
    field.value = text;
    document.body.append(field);
    const before = document.activeElement;
    field.select();
    const copied = document.execCommand?.("copy") ?? false;
    field.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    return copied;
  }
}
