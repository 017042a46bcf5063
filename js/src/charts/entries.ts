/** Where the bias enters: what stands at the output, where nothing has been gathered yet. */

import { button, el } from "../dom";
import { decimalsFor, exactly, fixed } from "../figures";
import type { Figure, Film, Level } from "../film";
import { addedBy, total } from "./stops";

/** As many as stand where the maps of other steps do; the others are added up. */
const MOST = 8;

interface Entry {
  name: string;
  frame: number;
  added: Figure;
}

export function entries({ onGo }: { onGo(frame: number): void }) {
  const list = el("ol", { class: "list" });
  const rest = el("p", { class: "rest" });
  const node = el("div", { class: "bbp-entries" }, list, rest);
  let drawn: { film: Film; level: Level } | null = null;

  function row({ name, frame, added }: Entry, most: number, decimals: number): HTMLElement {
    const size = el("i", { class: (added ?? 0) < 0 ? "below" : "" });
    size.style.width = `${most > 0 ? ((100 * Math.abs(added ?? 0)) / most).toFixed(1) : 0}%`;
    return el(
      "li",
      {},
      button(
        { title: `go to ${name}`, "data-frame": frame },
        () => onGo(frame),
        el("span", { class: "name" }, name),
        el("span", { class: "lane", "aria-hidden": "true" }, size),
        figure(added, decimals),
      ),
    );
  }

  return {
    node,
    update(film: Film, level: Level) {
      if (drawn?.film === film && drawn.level === level) return;
      drawn = { film, level };
      const added = addedBy(film, level);
      const all = film.levels[level].flatMap(({ name, frame }, index) => {
        const here = added[index] ?? null;
        return here === 0 ? [] : [{ name, frame, added: here }];
      });
      all.sort((a, b) => sizeOf(b) - sizeOf(a));
      const shown = all.slice(0, MOST);
      const others = all.slice(MOST);
      const decimals = decimalsFor(
        shown.map((entry) => entry.added),
        4,
      );
      const most = shown.reduce((size, entry) => Math.max(size, Math.abs(entry.added ?? 0)), 0);
      list.replaceChildren(...shown.map((entry) => row(entry, most, decimals)));
      const sum = total(all.map((entry) => entry.added));
      const left = total(others.map((entry) => entry.added));
      rest.replaceChildren(
        ...(others.length > 0
          ? [el("span", {}, `the other ${others.length}`), figure(left, decimals)]
          : []),
        el("span", { class: "sum" }, "all together"),
        figure(sum, decimals, "sum"),
      );
      rest.hidden = all.length === 0;
    },
  };
}

function figure(value: Figure, decimals: number, kind = ""): HTMLElement {
  return el("b", { class: kind, "data-value": exactly(value) }, plus(value, decimals));
}

function plus(value: Figure, decimals: number): string {
  const text = fixed(value, decimals);
  return value !== null && value > 0 ? `+${text}` : text;
}

/** What is not finite must not hide at the end. */
function sizeOf({ added }: Entry): number {
  return added === null ? Number.POSITIVE_INFINITY : Math.abs(added);
}
