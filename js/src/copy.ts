/** Text onto the clipboard; where the browser refuses, the text is laid out selected, to be copied by hand. */

import { button, el } from "./dom";

/** How long a button says that it has copied. */
const SAID_MS = 1500;

export interface Copy {
  /** What stands on the button. */
  face: string;
  /** What is copied, in words: "the equation as CSV". */
  what: string;
  /** What the button is called, where its face does not say it. */
  label?: string;
  class?: string;
  title?: string;
  /** The text, or null while there is none. */
  make(): string | null;
}

export function copier({ say }: { say(text: string): void }) {
  const text = el("textarea", { rows: 6, readonly: true, spellcheck: "false" });
  const close = button({ class: "link" }, () => hide(), "close");
  const hint = el("span", { class: "soft" });
  const node = el(
    "div",
    { class: "bbp-copy", hidden: true },
    el("div", { class: "head" }, hint, close),
    text,
  );
  let from: Element | null = null;

  function hide() {
    node.hidden = true;
    text.value = "";
    if (from instanceof HTMLElement) from.focus({ preventScroll: true });
  }

  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    hide();
  });

  /** Say whether it is on the clipboard now. */
  async function copy(what: string, content: string): Promise<boolean> {
    from = document.activeElement;
    try {
      // A page that is not served safely has no clipboard at all.
      await navigator.clipboard.writeText(content);
      node.hidden = true;
      say(`copied ${what}`);
      return true;
    } catch {
      hint.textContent = `The browser keeps the clipboard to itself: copy ${what} from here.`;
      text.setAttribute("aria-label", what);
      text.value = content;
      node.hidden = false;
      text.focus();
      text.select();
      say(`${what} is selected: copy it with the keys of your system`);
      return false;
    }
  }

  return {
    /** Where the text is laid out. */
    node,
    /** A button that copies, and for a moment says so. */
    button({
      face,
      what,
      make,
      label = `copy ${what}`,
      class: kind,
      title,
    }: Copy): HTMLButtonElement {
      const words = el("span", {}, face);
      const copied = el("span", { class: "copied", "aria-hidden": "true" });
      let timer: ReturnType<typeof setTimeout> | undefined;
      const made = button(
        { class: `copy ${kind ?? ""}`.trim(), "aria-label": label, title },
        async () => {
          const content = make();
          if (content === null || !(await copy(what, content))) return;
          made.classList.add("done");
          copied.textContent = "copied";
          made.setAttribute("aria-label", `copied ${what}`); // the name has the words that are seen
          clearTimeout(timer);
          timer = setTimeout(() => {
            made.classList.remove("done");
            copied.textContent = "";
            made.setAttribute("aria-label", label);
          }, SAID_MS);
        },
        words,
        copied,
      );
      return made;
    },
    hide() {
      node.hidden = true;
    },
  };
}
