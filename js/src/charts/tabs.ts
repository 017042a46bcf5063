/** What stands below the pictures: one panel of a few, chosen by tabs. */

import { button, el, uniqueId } from "../dom";

export interface Tab<K extends string> {
  key: K;
  label: string;
  node: HTMLElement;
}

export function tabs<K extends string>(label: string, list: Tab<K>[], onChoose: (key: K) => void) {
  const ids = list.map(({ key }) => uniqueId(`tab-${key}`));
  const heads = list.map(({ key, label: face }, index) =>
    button(
      { role: "tab", id: ids[index], "aria-controls": `${ids[index]}-panel`, "data-key": key },
      () => onChoose(key),
      face,
    ),
  );
  const panels = list.map(({ node }, index) =>
    el(
      "div",
      { role: "tabpanel", id: `${ids[index]}-panel`, "aria-labelledby": ids[index], hidden: true },
      node,
    ),
  );
  const bar = el("div", { class: "bbp-tabs", role: "tablist", "aria-label": label }, ...heads);
  const node = el("div", { class: "bbp-panels" }, bar, ...panels);

  bar.addEventListener("keydown", (event) => {
    const at = heads.indexOf(event.target as HTMLButtonElement);
    const last = heads.length - 1;
    const to = {
      ArrowLeft: at > 0 ? at - 1 : last,
      ArrowRight: at < last ? at + 1 : 0,
      Home: 0,
      End: last,
    }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    heads[to]?.focus();
    const key = list[to]?.key;
    if (key !== undefined) onChoose(key);
  });

  return {
    node,
    update(chosen: K) {
      list.forEach(({ key }, index) => {
        const on = key === chosen;
        heads[index]?.setAttribute("aria-selected", String(on));
        if (heads[index]) heads[index].tabIndex = on ? 0 : -1;
        if (panels[index]) panels[index].hidden = !on;
      });
    },
  };
}
