/** A table's row explained: each feature with its value and three signed bars about one zero. */

import { button, el } from "../dom";
import { compact, decimalsFor, exactly, fixed } from "../figures";
import type { Figure, VectorInput } from "../film";

const FEW = 16;

export interface FeatureBarsView {
  input: VectorInput;
  gradient: Float32Array;
  bias: Float32Array;
  sums: { gradient: Figure; bias: Figure; total: Figure };
  shared: boolean;
}

export function featureBars() {
  const body = el("tbody");
  const sums = el("tfoot");
  const more = button({ class: "link" }, () => {
    open = !open;
    if (view) draw(view);
  });
  const node = el("figure", { class: "bbp-features" }, el("table", {}, header(), body, sums), more);
  let open = false;
  let view: FeatureBarsView | null = null;

  function draw({ input, gradient, bias, sums: totals, shared }: FeatureBarsView) {
    const total = gradient.map((value, index) => value + (bias[index] ?? 0));
    const parts = [gradient, bias, total];
    const peaks = parts.map((part) =>
      part.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
    );
    const limits = shared ? peaks.map(() => Math.max(...peaks)) : peaks;
    const decimals = decimalsFor(peaks, 4);
    // A short table keeps the order its owner gave it; a long one shows its largest first.
    const order = [...total.keys()];
    if (total.length > FEW) {
      order.sort((a, b) => Math.abs(total[b] ?? 0) - Math.abs(total[a] ?? 0));
    }
    const shown = open ? order : order.slice(0, FEW);
    body.replaceChildren(
      ...shown.map((index) =>
        el(
          "tr",
          {},
          el("th", { scope: "row", title: nameOf(input, index) }, nameOf(input, index)),
          el("td", { class: "given" }, compact(input.values[index] ?? null)),
          ...parts.map((part, column) => bar(part[index] ?? 0, limits[column] ?? 0, decimals)),
        ),
      ),
    );
    const foot = [totals.gradient, totals.bias, totals.total].map((value) =>
      el("td", { class: "sum" }, el("b", { "data-value": exactly(value) }, fixed(value, decimals))),
    );
    sums.replaceChildren(el("tr", {}, el("th", { scope: "row" }, "Σ"), el("td"), ...foot));
    more.hidden = total.length <= FEW;
    more.textContent = open ? "fewer" : `… ${total.length - FEW} more`;
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

function header(): HTMLElement {
  const names = ["feature", "value", "w ⊙ x", "bias attribution", "total"];
  return el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name))));
}

function bar(value: number, limit: number, decimals: number): HTMLElement {
  const length = limit > 0 ? (Math.min(1, Math.abs(value) / limit) * 50).toFixed(2) : "0";
  const ink = el("i", { class: value < 0 ? "ink below" : "ink" });
  ink.style.width = `${length}%`;
  if (value < 0) ink.style.right = "50%";
  else ink.style.left = "50%";
  const figure = el("b", { "data-value": exactly(value) }, fixed(value, decimals));
  return el("td", {}, el("div", { class: "cell" }, el("div", { class: "lane" }, ink), figure));
}
