/**
 * What to look at when something is wrong: a column for each stop, as on the rail, and a row for each quantity.
 *
 * Built when the film changes; stepping moves a mark and prints one column's figures. With a second film every
 * row has two bars, the first upward and the second downward from one line.
 */

import { button, el, followSize } from "../dom";
import { compact, exactly } from "../figures";
import { type Figure, type Film, stopAt } from "../film";
import { type Look, type OnLook, shortName } from "../look";
import { anomalies, nextAnomaly, SIGNS, type Sign, signsOf } from "./anomalies";
import {
  matched,
  NONE,
  part,
  ROWS,
  type Row,
  type Scale,
  type Span,
  scaleOf,
  spansOf,
} from "./triage-rows";

export { anomalies, nextAnomaly, type Sign } from "./anomalies";

export interface TriageView {
  film: Film;
  /** To hold it against, row by row: another lane, another input. */
  other: Film | null;
  look: Look;
}

/** With more stops than this their bars touch; with less room than that for each they are scrolled. */
const ROOMY = 60;
const TIGHT = 4;
const SIDES = 240;

interface Drawn {
  film: Film;
  other: Film | null;
  level: Look["level"];
}

export function triage({ onLook }: { onLook: OnLook }) {
  const count = el("span", { class: "soft", role: "status" });
  const next = button(
    { class: "link" },
    () => {
      const to = view ? nextAnomaly(view.film, view.look.step) : null;
      if (to !== null) onLook({ step: to });
    },
    "next anomaly",
  );
  const head = el("thead");
  const body = el("tbody");
  const table = el(
    "table",
    { role: "grid", "aria-label": "Triage: a column for each stop, the output at right" },
    head,
    body,
  );
  const scroller = el("div", { class: "scroller" }, table);
  const key = el("p", { class: "soft key-line" });
  const node = el(
    "section",
    { class: "bbp-triage", "aria-label": "Triage" },
    el(
      "h4",
      {},
      el("span", { class: "title" }, "Triage"),
      el("span", { class: "says" }, count, next),
    ),
    scroller,
    key,
  );

  let view: TriageView | null = null;
  let drawn: Drawn | null = null;
  let spans: Span[] = [];
  /** Cells by row, then by stop; the first row is that of the signs. */
  let cells: HTMLTableCellElement[][] = [];
  let figures: {
    row: Row;
    here: HTMLElement;
    there: HTMLElement | null;
    values: (Figure | undefined)[][];
  }[] = [];
  let rowAt = 0;
  let column = -1;
  let width = 0;
  let narrowest = 0;

  function draw({ film, other, look }: TriageView) {
    spans = spansOf(film, look.level);
    const pairs = other ? matched(film, spans, other) : null;
    const lists = spans.map(({ first, last }) => {
      const found = new Set<Sign>();
      for (let at = first; at <= last; at += 1) {
        for (const sign of signsOf(film, at)) found.add(sign);
      }
      return found;
    });
    cells = [];
    figures = [];
    drawHead(film, other, look);
    const rows = [signRow(lists)];
    for (const row of ROWS) rows.push(quantityRow(row, film, other, pairs, lists));
    body.replaceChildren(...rows);
    table.classList.toggle("two", other !== null);
    table.classList.toggle("dense", spans.length > ROOMY);
    narrowest = SIDES + spans.length * TIGHT;
    table.style.minWidth = `${narrowest}px`;
    const all = anomalies(film);
    count.textContent =
      all.length === 0
        ? "no anomaly"
        : `${all.length} ${all.length === 1 ? "anomaly" : "anomalies"} in ${film.frames.length} steps`;
    count.dataset.value = String(all.length);
    next.hidden = all.length === 0;
    const signs = Object.values(SIGNS).map(({ mark, says }) => `${mark} ${says}`);
    key.textContent = [`┄ ${toleranceOf(film, other)}`, ...signs].join(" · ");
    column = -1;
  }

  function drawHead(film: Film, other: Film | null, look: Look) {
    const naming = (one: Film, mark: string) => {
      const same = one.state.sample === film.state.sample;
      const says = same ? shortName(one.state) : `${one.input.name}, ${shortName(one.state)}`;
      // What tells them apart is enough; the rest is in the title.
      const alike = other !== null && other.state.rule === film.state.rule;
      const name = same ? (alike ? says : one.state.rule) : one.input.name;
      return el("th", { scope: "col", class: "value", title: says }, `${mark}${name}`);
    };
    const stops = el("th", { scope: "colgroup", colspan: spans.length, class: "stops" });
    stops.append(
      el(
        "span",
        { class: "ends" },
        el("span", {}, "input"),
        el("b", { class: "where" }),
        el("span", {}, "output"),
      ),
    );
    const names = other
      ? [naming(film, "▴ "), naming(other, "▾ ")]
      : [el("th", { scope: "col", class: "value" }, "here")];
    head.replaceChildren(
      el("tr", {}, el("th", { scope: "col", class: "name" }, look.level), stops, ...names),
    );
  }

  function signRow(lists: Set<Sign>[]): HTMLTableRowElement {
    const line: HTMLTableCellElement[] = lists.map((found, index) => {
      const signs = [...found];
      const text = signs.length > 0 ? SIGNS[signs[0] as Sign].mark : "";
      const says = signs.map((sign) => SIGNS[sign].says).join(", ");
      const name = spans[index]?.name ?? "";
      return cell(
        0,
        index,
        {
          class: signs.length > 0 ? "sign off" : "sign",
          title: signs.length > 0 ? `${name} ${says}` : null,
          "aria-label": `${name}: ${signs.length > 0 ? says : "nothing wrong"}`,
          "data-signs": signs.join(" "),
        },
        text,
      );
    });
    cells.push(line);
    return rowOf("signs", "what is wrong in it, by its sign", line, []);
  }

  function quantityRow(
    row: Row,
    film: Film,
    other: Film | null,
    pairs: (Span | null)[] | null,
    lists: Set<Sign>[],
  ): HTMLTableRowElement {
    const values = spans.map((span) => row.read(film, span));
    // Undefined where the other film has no such stop.
    const others = spans.map((_, index) => {
      const pair = pairs?.[index];
      return other && pair ? row.read(other, pair) : undefined;
    });
    // One scale for both: only then can they be held against each other.
    const bound = row.bound?.(film) ?? null;
    const theirs = (other && row.bound?.(other)) ?? null;
    const scale = scaleOf([...values, ...(other ? others : []), bound, theirs]);
    const at = cells.length;
    const line = values.map((value, index) => {
      const name = spans[index]?.name ?? "";
      const against = other ? `, against ${printed(row, others[index])}` : "";
      const beyond = bound !== null && (value === null || value > bound);
      const held = bound === null ? "" : `, ${beyond ? "beyond" : "within"} the tolerance`;
      const says = `${name}: ${row.label} ${row.print(value)}${held}${against}`;
      const off = row.sign !== null && lists[index]?.has(row.sign);
      const bars = [bar(value, row, scale, "up")];
      if (other) bars.push(bar(others[index] ?? null, row, scale, "down"));
      return cell(
        at,
        index,
        {
          class: off ? "off" : null,
          title: says,
          "aria-label": says,
          "data-value": exactly(value),
          "data-other": others[index] === undefined ? null : exactly(others[index] ?? null),
        },
        ...bars,
      );
    });
    cells.push(line);
    const here = el("td", { class: "value", "data-key": row.key });
    const there = other ? el("td", { class: "value", "data-key": `${row.key}-other` }) : null;
    figures.push({ row, here, there, values: [values, others] });
    const made = rowOf(row.label, row.says, line, there ? [here, there] : [here]);
    const draw = (name: string, size: Figure) => {
      if (size === null) return;
      made.classList.add("bounded");
      made.style.setProperty(name, part(row.height(size, scale)).toFixed(3));
    };
    draw("--bbp-bound", bound);
    draw("--bbp-bound-other", theirs);
    return made;
  }

  function rowOf(label: string, says: string, line: Node[], rest: Node[]): HTMLTableRowElement {
    // The walk goes leftward, as on the rail.
    return el(
      "tr",
      {},
      el("th", { scope: "row", class: "name", title: says }, label),
      ...[...line].reverse(),
      ...rest,
    );
  }

  function cell(
    row: number,
    index: number,
    attributes: Parameters<typeof el>[1],
    ...children: (Node | string)[]
  ): HTMLTableCellElement {
    const made = el("td", { role: "gridcell", tabindex: -1, ...attributes }, ...children);
    made.addEventListener("click", () => {
      rowAt = row;
      choose(index);
    });
    return made;
  }

  function choose(index: number) {
    const span = spans[Math.min(spans.length - 1, Math.max(0, index))];
    if (span) onLook({ step: span.last });
    rove(true);
  }

  function rove(focus: boolean) {
    for (const one of table.querySelectorAll("td[tabindex='0']"))
      one.setAttribute("tabindex", "-1");
    const here = cells[rowAt]?.[column];
    here?.setAttribute("tabindex", "0");
    if (focus) here?.focus({ preventScroll: true });
  }

  table.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const turn = (to: number) => {
      rowAt = Math.min(cells.length - 1, Math.max(0, to));
      rove(true);
    };
    const keys: Record<string, () => void> = {
      ArrowLeft: () => choose(column + 1),
      ArrowRight: () => choose(column - 1),
      Home: () => choose(0),
      End: () => choose(spans.length - 1),
      ArrowDown: () => turn(rowAt + 1),
      ArrowUp: () => turn(rowAt - 1),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });

  function mark(index: number, inside: boolean) {
    if (index === column) return;
    for (const line of cells) {
      line[column]?.classList.remove("here");
      line[index]?.classList.add("here");
    }
    column = index;
    rove(inside);
    reveal(index);
    const where = head.querySelector(".where");
    if (where) where.textContent = spans[index]?.name ?? "";
    for (const { row, here, there, values } of figures) {
      const [mine = [], others = []] = values;
      show(here, row, mine[index]);
      if (there) show(there, row, others[index]);
    }
  }

  /** Sideways only, and only where something is out of sight: asking where things are costs a layout. */
  function reveal(index: number) {
    if (width === 0 || narrowest <= width) return;
    const here = cells[0]?.[index];
    if (!here) return;
    const { offsetLeft } = here;
    const room = scroller.clientWidth;
    if (offsetLeft < scroller.scrollLeft + 130) scroller.scrollLeft = offsetLeft - 150;
    else if (offsetLeft > scroller.scrollLeft + room - 40) {
      scroller.scrollLeft = offsetLeft - room + 80;
    }
  }

  const stopFollowing = followSize(scroller, (measured) => {
    width = measured;
  });

  return {
    node,
    update(asked: TriageView) {
      view = asked;
      const { film, other, look } = asked;
      // The film comes once more with its entropies: a hand on the grid stays where it is.
      const inside = table.contains(document.activeElement);
      if (drawn?.film !== film || drawn.other !== other || drawn.level !== look.level) {
        drawn = { film, other, level: look.level };
        draw(asked);
      }
      mark(stopAt(film.levels[look.level], look.step), inside);
    },
    destroy() {
      stopFollowing();
    },
  };
}

function bar(value: Figure, row: Row, scale: Scale, way: "up" | "down"): HTMLElement {
  const ink = el("i", { class: way, "aria-hidden": "true" });
  const height = value === null ? 0 : part(row.height(value, scale));
  ink.style.setProperty("--bbp-part", height.toFixed(3));
  if (value !== null && value < 0) ink.classList.add("below");
  if (value === null && row.key === "residual") ink.classList.add("broken-bar");
  return ink;
}

function printed(row: Row, value: Figure | undefined): string {
  return value === undefined ? NONE : row.print(value);
}

function show(cell: HTMLElement, row: Row, value: Figure | undefined) {
  cell.textContent = printed(row, value);
  cell.dataset.value = value === undefined ? "" : exactly(value);
}

function toleranceOf(film: Film, other: Film | null): string {
  const here = compact(film.totals.tolerance, 2);
  const there = other === null ? here : compact(other.totals.tolerance, 2);
  return here === there ? `tolerance ${here}` : `tolerance ▴ ${here}, ▾ ${there}`;
}
