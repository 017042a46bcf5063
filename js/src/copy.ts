/** Text onto the clipboard; where the browser refuses, the text is laid out selected, to be copied by hand. */

import { button, el } from "./dom";

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

  return {
    node,
    /** `what` names it: "the equation as CSV". */
    async copy(what: string, content: string): Promise<void> {
      from = document.activeElement;
      try {
        // A page that is not served safely has no clipboard at all.
        await navigator.clipboard.writeText(content);
        node.hidden = true;
        say(`copied ${what}`);
      } catch {
        hint.textContent = `The browser keeps the clipboard to itself: copy ${what} from here.`;
        text.setAttribute("aria-label", what);
        text.value = content;
        node.hidden = false;
        text.focus();
        text.select();
        say(`${what} is selected: copy it with the keys of your system`);
      }
    },
    hide() {
      node.hidden = true;
    },
  };
}
