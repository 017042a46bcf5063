/**
 * One of a few: a group of buttons that is one stop for the tab key, with the arrow keys moving inside.
 *
 * Moving by arrow only moves the focus; pressing chooses. A choice may start a computation, so walking past
 * an option must not ask for it.
 */

import { button, el } from "../dom";

export interface Option {
  key: string;
  label: string;
  /** A second text after the label, such as a score. */
  figure?: string;
  /** The figure to the last bit. */
  value?: string;
  says?: string;
  picture?: Element;
  /** A word that sets it apart from the others, beside the one that is chosen. */
  mark?: string;
}

export interface ChoiceEvents {
  label: string;
  class: string;
  /** `second` where it was pressed with the shift key. */
  onChoose(key: string, second: boolean): void;
}

const MOVES: Record<string, number> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

function destination(key: string, at: number, count: number): number | null {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const move = MOVES[key];
  return move === undefined ? null : (at + move + count) % count;
}

export function choice({ label, class: kind, onChoose }: ChoiceEvents) {
  const node = el("div", { class: `bbp-choice ${kind}`, role: "radiogroup", "aria-label": label });
  let buttons: HTMLButtonElement[] = [];
  let drawn = "";
  let pictures: (Element | undefined)[] = [];

  node.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(event.target as HTMLButtonElement);
    if (at < 0) return;
    if (event.key === "Enter" && event.shiftKey) {
      event.preventDefault();
      event.stopPropagation();
      onChoose(buttons[at]?.dataset.key ?? "", true);
      return;
    }
    const to = destination(event.key, at, buttons.length);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    rove(to);
    buttons[to]?.focus();
  });

  node.addEventListener("click", (event) => {
    const pressed = event.target instanceof Element ? event.target.closest("button") : null;
    if (pressed) onChoose(pressed.dataset.key ?? "", event.shiftKey);
  });

  function rove(to: number) {
    buttons.forEach((one, index) => {
      one.tabIndex = index === to ? 0 : -1;
    });
  }

  function build(options: Option[]) {
    const focused = buttons.find((one) => one === document.activeElement)?.dataset.key;
    buttons = options.map((option) => {
      const parts: (Node | string)[] = [el("span", {}, option.label)];
      if (option.picture) parts.unshift(option.picture);
      if (option.mark) parts.unshift(el("span", { class: "mark" }, option.mark));
      if (option.figure) parts.push(el("b", { "data-value": option.value }, option.figure));
      return button(
        {
          role: "radio",
          "aria-checked": "false",
          title: option.says,
          "data-key": option.key,
          class: option.mark ? "marked" : null,
        },
        () => {},
        ...parts,
      );
    });
    node.replaceChildren(...buttons);
    if (focused !== undefined) buttons.find((one) => one.dataset.key === focused)?.focus();
  }

  return {
    node,
    update({ options, chosen }: { options: Option[]; chosen: string | null }) {
      const asked = JSON.stringify(options.map(({ picture: _, ...rest }) => rest));
      const painted = options.map(({ picture }) => picture);
      if (asked !== drawn || painted.some((one, index) => one !== pictures[index])) {
        drawn = asked;
        pictures = painted;
        build(options);
      }
      let at = 0;
      buttons.forEach((one, index) => {
        const on = one.dataset.key === chosen;
        one.setAttribute("aria-checked", String(on));
        if (on) at = index;
      });
      rove(at);
    },
  };
}
