/** The line above a picture: its name on the left, a figure on the right that the pointer can replace. */

import { button, el } from "../dom";

export function caption(title: string, onPress?: () => void) {
  const name = el("span", { class: "name" }, title);
  const press = onPress ? button({ class: "link name", hidden: true }, onPress) : null;
  const figure = el("span", { class: "figure" });
  let resting = "";
  return {
    node: el("figcaption", {}, ...(press ? [name, press] : [name]), figure),
    /** `chosen`: the name is a button that chooses the picture, and whether it is the one. */
    rename(text: string, chosen: boolean | null = null) {
      const asButton = press !== null && chosen !== null;
      name.textContent = name.title = text;
      name.hidden = asButton;
      if (!press) return;
      press.hidden = !asButton;
      press.textContent = press.title = text;
      press.setAttribute("aria-pressed", String(chosen === true));
    },
    /** What stands there while the pointer is elsewhere. */
    rest(text: string, value?: string) {
      resting = text;
      figure.textContent = text;
      figure.classList.remove("reading");
      if (value !== undefined) figure.dataset.value = value;
    },
    /** What the pointer reads, or null when it has left. */
    read(text: string | null) {
      figure.textContent = text ?? resting;
      figure.classList.toggle("reading", text !== null);
    },
  };
}
