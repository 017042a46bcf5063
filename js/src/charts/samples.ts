/** The inputs to choose from, as thumbnails in one row that scrolls: pictures, or the traces of signals. */

import { paintRgb } from "../colour";
import { el, svg } from "../dom";
import type { Setup, Thumbs, Trace } from "../film";
import type { OnLook } from "../look";
import { choice, type Option } from "./choice";

/** From as many on one wants to be told which one it is. */
const MANY = 12;

export interface SamplesView {
  setup: Setup;
  thumbs: Thumbs | null;
  sample: number;
}

export function samples({ onLook }: { onLook: OnLook }) {
  const row = choice({
    label: "sample",
    class: "samples",
    onChoose: (key) => onLook({ sample: Number(key), target: null, versus: null }),
  });
  const place = el("span", { class: "soft place" });
  const nodes = [row.node, place];
  let painted: { thumbs: Thumbs | null; pictures: (Element | undefined)[] } | null = null;
  let drawn: { setup: Setup; thumbs: Thumbs | null; sample: number } | null = null;

  /** Sideways only: the page must not jump. */
  function reveal() {
    const chosen = row.node.querySelector<HTMLElement>("[aria-checked='true']");
    if (!chosen) return;
    const inner = chosen.getBoundingClientRect();
    const outer = row.node.getBoundingClientRect();
    if (inner.left < outer.left) row.node.scrollLeft -= outer.left - inner.left + 40;
    else if (inner.right > outer.right) row.node.scrollLeft += inner.right - outer.right + 40;
  }

  return {
    nodes,
    update({ setup, thumbs, sample }: SamplesView) {
      if (drawn?.setup === setup && drawn.thumbs === thumbs && drawn.sample === sample) return;
      const moved = drawn?.sample !== sample;
      drawn = { setup, thumbs, sample };
      const { samples: all } = setup;
      row.node.hidden = all.length < 2;
      place.hidden = all.length <= MANY;
      place.textContent = `${sample + 1} of ${all.length}`;
      if (row.node.hidden) return;
      if (painted?.thumbs !== thumbs || painted.pictures.length !== all.length) {
        painted = { thumbs, pictures: all.map((_, index) => thumbnail(thumbs, index)) };
      }
      const options = all.map(({ name, label }, index): Option => {
        const picture = painted?.pictures[index];
        const says = label === null ? name : `${name}, ${label}`;
        return { key: String(index), label: name, says, ...(picture ? { picture } : {}) };
      });
      row.update({ options, chosen: String(sample) });
      if (moved) reveal();
    },
  };
}

function thumbnail(thumbs: Thumbs | null, index: number): Element | undefined {
  const trace = thumbs?.traces[index];
  if (trace) return traceOf(trace);
  const rgb = thumbs?.items[index];
  if (!thumbs || !rgb) return undefined;
  const canvas = el("canvas", { "aria-hidden": "true" });
  paintRgb(canvas, rgb, thumbs.height, thumbs.width);
  canvas.classList.toggle("crisp", thumbs.width <= 48);
  return canvas;
}

/** Of a trace, in the pixels of its own view: how high it is, and the air above and below a lane. */
const TALL = 32;
const AIR = 2;

/** What the values run between, lane below lane; a column without a value is a gap. */
function traceOf({ lanes, width, ends }: Trace): SVGSVGElement {
  const room = TALL / lanes;
  const lines = Array.from({ length: lanes }, (_, lane) => {
    const row = lane * 2 * width;
    const down = (value: number) =>
      (lane * room + AIR + (1 - value / 255) * (room - 2 * AIR)).toFixed(1);
    let before: { least: number; largest: number } | null = null;
    let d = "";
    for (let column = 0; column < width; column += 1) {
      const now = { least: ends[row + column] ?? 0, largest: ends[row + width + column] ?? 0 };
      if (now.least <= now.largest) {
        // Joined to the column before, where the two do not meet.
        const top: number = Math.max(now.largest, before?.least ?? 0);
        const bottom: number = Math.min(now.least, before?.largest ?? 255);
        d += `M${column + 0.5},${down(top)}V${down(bottom)}`;
        before = now;
      } else before = null;
    }
    return svg("path", { d });
  });
  const viewBox = `0 0 ${width} ${TALL}`;
  return svg("svg", { class: "trace", viewBox, "aria-hidden": "true" }, ...lines);
}
