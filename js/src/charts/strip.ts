/** Many signed values in a row, as bars about a line: the mass of a layer that has no places. */

import type { Theme } from "../colour";
import { el } from "../dom";

const HEIGHT = 72;

const INK: Record<Theme, { positive: string; negative: string; line: string }> = {
  light: { positive: "#b24016", negative: "#1e54a0", line: "#b9bcc0" },
  dark: { positive: "#e8794a", negative: "#6ea4ee", line: "#4a525b" },
};

export function strip(says: string) {
  const node = el("canvas", { class: "bbp-strip", role: "img", "aria-label": says });

  return {
    node,
    update({ values, width, theme }: { values: Float32Array; width: number; theme: Theme }) {
      const dense = Math.max(1, globalThis.devicePixelRatio || 1);
      node.width = Math.round(width * dense);
      node.height = Math.round(HEIGHT * dense);
      node.style.height = `${HEIGHT}px`;
      const context = node.getContext("2d");
      if (!context) return;
      context.setTransform(dense, 0, 0, dense, 0, 0);
      const columns = Math.min(values.length, Math.floor(width));
      const bins = binned(values, columns);
      const limit = bins.reduce((most, bin) => Math.max(most, bin.high, -bin.low), 0) || 1;
      const lowest = bins.reduce((least, bin) => Math.min(least, bin.low), 0);
      const highest = bins.reduce((most, bin) => Math.max(most, bin.high), 0);
      // The line stands where zero is: in the middle only when both signs are there.
      const room = HEIGHT - 4;
      const span = highest - lowest || limit;
      const zero = 2 + (highest / span) * room;
      // A few values make bars, not blocks.
      const step = Math.min(28, width / columns);
      const thick = Math.max(step > 3 ? step - 1 : step, 0.75);
      const ink = INK[theme];
      context.fillStyle = ink.line;
      context.fillRect(0, zero - 0.5, width, 1);
      bins.forEach((bin, index) => {
        const x = index * step;
        context.fillStyle = ink.positive;
        context.fillRect(x, zero - (bin.high / span) * room, thick, (bin.high / span) * room);
        context.fillStyle = ink.negative;
        context.fillRect(x, zero, thick, (-bin.low / span) * room);
      });
    },
  };
}

/** Where there are more values than pixels, a column shows the extremes of those it stands for. */
function binned(values: Float32Array, columns: number): { low: number; high: number }[] {
  const bins = Array.from({ length: columns }, () => ({ low: 0, high: 0 }));
  values.forEach((value, index) => {
    const bin = bins[Math.floor((index / values.length) * columns)];
    if (!bin || !Number.isFinite(value)) return;
    bin.low = Math.min(bin.low, value);
    bin.high = Math.max(bin.high, value);
  });
  return bins;
}
