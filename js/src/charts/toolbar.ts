/** Back and forth, the state as Python, and whether there is a kernel at all. */

import { copier } from "../copy";
import { button, el } from "../dom";
import type { Look } from "../look";
import type { Gone } from "../talk";

export interface ToolbarEvents {
  onUndo(): void;
  onRedo(): void;
  say(text: string): void;
}

export interface ToolbarView {
  look: Look;
  canUndo: boolean;
  canRedo: boolean;
  gone: Gone;
}

const GONE = {
  saved: ["saved page", "There is no kernel. What was saved with the page is all here."],
  restarted: [
    "kernel restarted",
    "The kernel was started anew: run the cell again. Films that were seen keep stepping.",
  ],
  dead: ["no kernel", "The kernel is gone. Films that were seen keep stepping."],
  silent: ["no word from the kernel", "It is busy, or gone. Films that were seen keep stepping."],
} as const;

export function toolbar({ onUndo, onRedo, say }: ToolbarEvents) {
  let look: Look | null = null;
  const badge = el("span", { class: "badge", role: "status", hidden: true });
  const undo = button({ class: "link", title: "Undo (Ctrl Z)" }, onUndo, "undo");
  const redo = button({ class: "link", title: "Redo (Ctrl Shift Z)" }, onRedo, "redo");
  const clipboard = copier({ say });
  const copy = clipboard.button({
    face: "copy as Python",
    what: "the state as Python",
    label: "copy as Python",
    class: "link",
    title: "Copy what is shown as a line of Python",
    make: () => look && asPython(look),
  });
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
    /** The line that the browser did not copy, to be copied by hand. */
    byHand: clipboard.node,
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
