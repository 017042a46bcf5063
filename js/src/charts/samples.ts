/** The inputs to choose from, as thumbnails in one row that scrolls. */

import { paintRgb } from "../colour";
import { el } from "../dom";
import type { Setup, Thumbs } from "../film";
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
  let painted: { thumbs: Thumbs | null; canvases: (HTMLCanvasElement | undefined)[] } | null = null;
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
      if (painted?.thumbs !== thumbs || painted.canvases.length !== all.length) {
        painted = { thumbs, canvases: all.map((_, index) => thumbnail(thumbs, index)) };
      }
      const options = all.map(({ name, label }, index): Option => {
        const picture = painted?.canvases[index];
        const says = label === null ? name : `${name}, ${label}`;
        return { key: String(index), label: name, says, ...(picture ? { picture } : {}) };
      });
      row.update({ options, chosen: String(sample) });
      if (moved) reveal();
    },
  };
}

function thumbnail(thumbs: Thumbs | null, index: number): HTMLCanvasElement | undefined {
  const rgb = thumbs?.items[index];
  if (!thumbs || !rgb) return undefined;
  const canvas = el("canvas", { "aria-hidden": "true" });
  paintRgb(canvas, rgb, thumbs.height, thumbs.width);
  canvas.classList.toggle("crisp", thumbs.width <= 48);
  return canvas;
}
