/** The line above a picture: its name on the left, a figure on the right that the pointer can replace. */

import { el } from "../dom";

export function caption(title: string) {
  const name = el("span", { class: "name" }, title);
  const figure = el("span", { class: "figure" });
  let resting = "";
  return {
    node: el("figcaption", {}, name, figure),
    rename(text: string) {
      name.textContent = text;
      name.title = text;
    },
    /** What stands there while the pointer is elsewhere. */
    rest(text: string, value?: string) {
      resting = text;
      figure.textContent = text;
      if (value !== undefined) figure.dataset.value = value;
    },
    /** What the pointer reads, or null when it has left. */
    read(text: string | null) {
      figure.textContent = text ?? resting;
      figure.classList.toggle("reading", text !== null);
    },
  };
}
