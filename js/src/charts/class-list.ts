/** A button that opens a searchable list: one class out of a thousand. */

import { button, el, uniqueId } from "../dom";

export interface Item {
  key: string;
  label: string;
  figure?: string;
  value?: string;
}

export interface ClassListEvents {
  label: string;
  class?: string;
  /** `second` where it was chosen with the shift key. */
  onChoose(key: string, second: boolean): void;
}

/** As many rows as one can look through; the search finds the rest. */
const ROWS = 60;

export function classList({ label, class: kind = "", onChoose }: ClassListEvents) {
  const id = uniqueId("list");
  const opener = button(
    { class: "chip", "aria-haspopup": "listbox", "aria-expanded": "false" },
    () => (panel.hidden ? open() : close()),
  );
  const search = el("input", {
    type: "text",
    role: "combobox",
    placeholder: "search",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": `${label}: search`,
    "aria-expanded": "true",
    "aria-controls": id,
    "aria-autocomplete": "list",
  });
  const list = el("ul", { role: "listbox", id, "aria-label": label });
  const rest = el("p", { class: "soft", role: "status" });
  const panel = el("div", { class: "panel", hidden: true }, search, list, rest);
  const node = el("div", { class: `bbp-list ${kind}` }, opener, panel);
  let items: Item[] = [];
  let found: Item[] = [];
  let chosen: string | null = null;
  let active = 0;

  function open() {
    panel.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    search.value = "";
    filter();
    // A list opened at the right edge must grow to the left, or it is cut off.
    const room = node.closest(".bbp")?.getBoundingClientRect();
    const right = node.getBoundingClientRect().left + panel.offsetWidth;
    panel.classList.toggle("leftward", room !== undefined && right > room.right - 8);
    search.focus();
    document.addEventListener("pointerdown", outside, true);
  }

  function close(refocus = true) {
    if (panel.hidden) return;
    panel.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (refocus) opener.focus({ preventScroll: true });
  }

  function outside(event: Event) {
    if (!event.composedPath().includes(node)) close(false);
  }

  /** A label that begins with what was typed comes first, then one of whose words does, then what only holds it. */
  function matching(): Item[] {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const [first] = words;
    if (first === undefined) return items;
    const ranks: Item[][] = [[], [], []];
    for (const item of items) {
      const text = item.label.toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
      const rank = text.startsWith(first) ? 0 : beginsAWord(text, first) ? 1 : 2;
      ranks[rank]?.push(item);
    }
    return ranks.flat();
  }

  function filter(keep = false) {
    const before = keep ? found[active]?.key : undefined;
    const matches = matching();
    found = matches.slice(0, ROWS);
    const wanted = before ?? (search.value === "" ? chosen : null);
    active = Math.max(
      0,
      found.findIndex((item) => item.key === wanted),
    );
    list.replaceChildren(
      ...found.map((item, index) => {
        const row = el(
          "li",
          {
            role: "option",
            id: `${id}-${index}`,
            title: item.label,
            "aria-selected": String(item.key === chosen),
          },
          el("span", {}, item.label),
          el("b", { "data-value": item.value }, item.figure ?? ""),
        );
        row.addEventListener("click", (event) => choose(item, event.shiftKey));
        return row;
      }),
    );
    const hidden = matches.length - found.length;
    rest.textContent =
      matches.length === 0 ? "none by that name" : `${hidden} more, type to narrow`;
    rest.hidden = matches.length > 0 && hidden === 0;
    point();
  }

  function point() {
    [...list.children].forEach((row, index) => {
      row.classList.toggle("active", index === active);
    });
    const row = list.children[active];
    if (row) search.setAttribute("aria-activedescendant", row.id);
    else search.removeAttribute("aria-activedescendant");
    // Inside the list only: the page must not jump.
    if (!(row instanceof HTMLElement)) return;
    const { offsetTop, offsetHeight } = row;
    if (offsetTop < list.scrollTop) list.scrollTop = offsetTop;
    else if (offsetTop + offsetHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = offsetTop + offsetHeight - list.clientHeight;
    }
  }

  function choose(item: Item | undefined, second: boolean) {
    if (!item) return;
    close();
    onChoose(item.key, second);
  }

  search.addEventListener("input", () => filter());
  panel.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const last = found.length - 1;
    if (event.key === "Escape") close();
    else if (event.key === "Tab") close(false);
    else if (event.key === "Enter") choose(found[active], event.shiftKey);
    else if (event.key === "ArrowDown") active = Math.min(last, active + 1);
    else if (event.key === "ArrowUp") active = Math.max(0, active - 1);
    else if (event.key === "PageDown") active = Math.min(last, active + 8);
    else if (event.key === "PageUp") active = Math.max(0, active - 8);
    else return;
    if (event.key !== "Tab") event.preventDefault();
    if (!panel.hidden) point();
  });

  return {
    node,
    update(next: { items: Item[]; chosen: string | null; face: string }) {
      const same = next.items === items && next.chosen === chosen;
      items = next.items;
      chosen = next.chosen;
      if (opener.textContent !== next.face) {
        opener.replaceChildren(el("span", {}, next.face));
        opener.setAttribute("aria-label", `${label}: ${next.face}`);
      }
      if (!panel.hidden && !same) filter(true);
    },
    destroy() {
      document.removeEventListener("pointerdown", outside, true);
    },
  };
}

/** Whether one of the words of a text begins so; what stands before a word is no letter and no digit. */
function beginsAWord(text: string, start: string): boolean {
  for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? "")) return true;
  }
  return false;
}
