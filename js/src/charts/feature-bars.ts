/** A table's row explained: each feature with its value and, for each part, a signed bar about one zero. */

import { button, el } from "../dom";
import { compact, decimalsFor, exactly, fixed } from "../figures";
import type { Figure, VectorInput } from "../film";

const FEW = 16;
/** With more parts than these a figure stands over its bar rather than beside it. */
const ROOMY = 3;

/** One column of bars. */
export interface Part {
  name: string;
  says: string;
  /** Null: on its way. */
  values: Float32Array | null;
  /** Length of a whole bar. */
  limit: number;
  sum: Figure;
  chosen: boolean | null;
}

export interface FeatureBarsView {
  input: VectorInput;
  parts: Part[];
  /** What a long table is sorted by. */
  order: Float32Array;
}

export function featureBars({ onChoose }: { onChoose(part: number): void }) {
  const head = el("thead");
  const body = el("tbody");
  const sums = el("tfoot");
  const more = button({ class: "link" }, () => {
    open = !open;
    if (view) draw(view);
  });
  const node = el("figure", { class: "bbp-features" }, el("table", {}, head, body, sums), more);
  let open = false;
  let view: FeatureBarsView | null = null;

  function draw({ input, parts, order: by }: FeatureBarsView) {
    const count = by.length;
    const decimals = decimalsFor(
      parts.map(({ limit }) => limit),
      4,
    );
    // A short table keeps the order its owner gave it; a long one shows its largest first.
    const order = [...by.keys()];
    if (count > FEW) order.sort((a, b) => Math.abs(by[b] ?? 0) - Math.abs(by[a] ?? 0));
    const shown = open ? order : order.slice(0, FEW);
    const rest = order.slice(shown.length);
    node.classList.toggle("stacked", parts.length > ROOMY);
    head.replaceChildren(header(parts, onChoose));
    body.replaceChildren(
      ...shown.map((index) => {
        const name = nameOf(input, index);
        const value = input.values[index] ?? null;
        return el(
          "tr",
          {},
          el("th", { scope: "row", title: name }, name),
          el("td", { class: "given", "data-value": exactly(value) }, compact(value)),
          ...parts.map((part) => barCell(part, part.values?.[index] ?? null, decimals)),
        );
      }),
      ...(rest.length > 0 ? [restRow(rest, parts, decimals)] : []),
    );
    const foot = parts.map(({ sum, values }) =>
      el(
        "td",
        { class: "sum" },
        el("b", { "data-value": exactly(sum) }, values ? fixed(sum, decimals) : "…"),
      ),
    );
    sums.replaceChildren(el("tr", {}, el("th", { scope: "row" }, "Σ"), el("td"), ...foot));
    more.hidden = count <= FEW;
    more.textContent = open ? "fewer" : `show the other ${count - FEW}`;
    more.setAttribute("aria-expanded", String(open));
  }

  return {
    node,
    update(next: FeatureBarsView) {
      view = next;
      draw(next);
    },
    destroy() {},
  };
}

function nameOf(input: VectorInput, index: number): string {
  return input.names?.[index] ?? `feature ${index}`;
}

function header(parts: Part[], onChoose: (part: number) => void): HTMLTableRowElement {
  const plain = ["feature", "value"].map((name) => el("th", { scope: "col" }, name));
  const heads = parts.map(({ name, says, chosen }, index) => {
    const word =
      chosen === null
        ? name
        : button({ class: "link", "aria-pressed": String(chosen) }, () => onChoose(index), name);
    return el("th", { scope: "col", title: says }, word);
  });
  return el("tr", {}, ...plain, ...heads);
}

/** What is not shown is counted and added up, so that a column of figures is its sum. */
function restRow(rest: number[], parts: Part[], decimals: number): HTMLTableRowElement {
  const cells = parts.map(({ values }) => {
    const sum = values && rest.reduce((all, index) => all + (values[index] ?? 0), 0);
    const text = sum === null ? "…" : fixed(sum, decimals);
    return el("td", { class: "sum" }, el("b", { "data-value": exactly(sum) }, text));
  });
  return el(
    "tr",
    { class: "rest" },
    el("th", { scope: "row" }, `the other ${rest.length}`),
    el("td"),
    ...cells,
  );
}

function barCell({ limit }: Part, value: Figure, decimals: number): HTMLElement {
  const size = value === null || !Number.isFinite(value) ? 0 : Math.abs(value);
  const length = limit > 0 ? (Math.min(1, size / limit) * 50).toFixed(2) : "0";
  const below = (value ?? 0) < 0;
  const ink = el("i", { class: below ? "ink below" : "ink" });
  ink.style.width = `${length}%`;
  if (below) ink.style.right = "50%";
  else ink.style.left = "50%";
  const figure = el(
    "b",
    { "data-value": exactly(value) },
    value === null ? "…" : fixed(value, decimals),
  );
  return el("td", {}, el("div", { class: "cell" }, el("div", { class: "lane" }, ink), figure));
}
