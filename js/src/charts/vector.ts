/** A layer without places: a bar a channel, and the largest by name. */

import type { Theme } from "../colour";
import { button, el } from "../dom";
import { compact, exactly, signed } from "../figures";
import { strip } from "./strip";

const NAMED = 6;

export interface VectorView {
  values: Float32Array;
  order: readonly number[];
  names: readonly string[] | null;
  /** "mass", "value" or "grad ⊙ value". */
  quantity: string;
  picked: number | null;
  width: number;
  /** Of the bars. */
  height: number;
  theme: Theme;
}

export interface VectorEvents {
  onPoint(channel: number | null): void;
  onPick(channel: number): void;
}

export function vector({ onPoint, onPick }: VectorEvents) {
  const channelAt = (place: number | null) => (place === null ? null : (order[place] ?? null));
  const bars = strip({
    says: "channel",
    onPoint: (place) => onPoint(channelAt(place)),
    onPick: (place) => pickAt(place),
    onReach: (place) => bars.reach(place, textOf(channelAt(place))),
  });
  const heading = el("p", { class: "soft" });
  const list = el("ol", { class: "largest" });
  const rows = Array.from({ length: NAMED }, () => makeRow((channel) => onPick(channel)));
  const node = el("div", { class: "vector" }, bars.node, heading, list);
  let order: readonly number[] = [];
  let view: VectorView | null = null;

  list.append(...rows.map((row) => row.node));

  function pickAt(place: number) {
    const channel = channelAt(place);
    if (channel !== null) onPick(channel);
  }

  function textOf(channel: number | null): string {
    if (channel === null || !view) return "";
    const value = view.values[channel] ?? null;
    return `${nameOf(view.names, channel)}, ${view.quantity} ${compact(finite(value))}`;
  }

  return {
    node,
    update(next: VectorView) {
      view = next;
      order = next.order;
      const { values, names, picked } = next;
      bars.update(next);
      bars.select(picked === null ? null : order.indexOf(picked));
      bars.reach(bars.at, textOf(channelAt(bars.at)));
      // The few that are named stand in the order of the bars above them.
      const among = new Set(bySize(values).slice(0, NAMED));
      const largest = order.filter((channel) => among.has(channel));
      heading.hidden = order.length <= NAMED;
      heading.textContent = `the ${NAMED} largest by |${next.quantity}|`;
      rows.forEach((row, index) => {
        const channel = largest[index];
        row.node.hidden = channel === undefined;
        if (channel === undefined) return;
        const value = values[channel] ?? 0;
        row.update(channel, nameOf(names, channel), value, channel === picked);
      });
    },
    clear() {
      bars.clear();
    },
  };
}

const sorted = new WeakMap<Float32Array, number[]>();

/** Channels by magnitude, what is not finite first: it must not hide at the end. */
export function bySize(values: Float32Array): number[] {
  const known = sorted.get(values) ?? sortBySize(values);
  sorted.set(values, known);
  return known;
}

function sortBySize(values: Float32Array): number[] {
  const size = (channel: number) => {
    const value = Math.abs(values[channel] ?? 0);
    return Number.isFinite(value) ? value : Number.POSITIVE_INFINITY;
  };
  const sizes = Float64Array.from(values, (_, channel) => size(channel));
  return [...values.keys()].sort((a, b) => {
    const [first, second] = [sizes[a] ?? 0, sizes[b] ?? 0];
    return first === second ? a - b : second - first;
  });
}

export function nameOf(names: readonly string[] | null, channel: number): string {
  return names?.[channel] ?? `channel ${channel}`;
}

export function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

function makeRow(onPick: (channel: number) => void) {
  let shown = 0;
  const name = el("span");
  const figure = el("b");
  const press = button({ class: "row" }, () => onPick(shown), name, figure);
  return {
    node: el("li", {}, press),
    update(channel: number, text: string, value: number, picked: boolean) {
      shown = channel;
      name.textContent = text;
      name.title = text;
      figure.textContent = signed(finite(value));
      figure.dataset.value = exactly(value);
      press.setAttribute("aria-pressed", String(picked));
    },
  };
}
