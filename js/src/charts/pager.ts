/** Back and forth through pages, with where one is between. */

import { button, el } from "../dom";

/** Pages are many, so no button has one to itself. A button at its end stays where it is and does nothing. */
export function pager(onPage: (page: number) => void) {
  let view = { page: 0, pages: 1 };
  const turn = (by: number) => {
    const page = view.page + by;
    if (page >= 0 && page < view.pages) onPage(page);
  };
  const back = button({ "aria-label": "the page before" }, () => turn(-1), "‹");
  const text = el("span", { class: "key" });
  const forth = button({ "aria-label": "the next page" }, () => turn(1), "›");
  const node = el("div", { class: "pager", role: "group", "aria-label": "pages" });
  node.append(back, text, forth);
  return {
    node,
    turn,
    update(next: { page: number; pages: number }) {
      view = { page: next.page, pages: next.pages };
      node.classList.toggle("off", next.pages <= 1);
      text.textContent = `page ${next.page + 1} of ${next.pages}`;
      back.setAttribute("aria-disabled", String(next.page <= 0));
      forth.setAttribute("aria-disabled", String(next.page >= next.pages - 1));
    },
  };
}
