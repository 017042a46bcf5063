/** The row under the rail: the input with what moves, then the two parts of the answer and their sum. */

import type { Theme } from "../colour";
import { el } from "../dom";
import type { Figure, Film, Frame } from "../film";
import { countBeyond, limitsOf } from "../limits";
import { choice } from "./choice";
import { featureBars } from "./feature-bars";
import { picture } from "./picture";
import type { Place } from "./pointer";
import { signedMap } from "./signed-map";

export interface GalleryView {
  film: Film;
  frame: Frame;
  theme: Theme;
}

const BLEND = 0.65;

export function gallery() {
  const read = (place: Place | null) => {
    for (const one of [input, ...maps]) one.read(place);
  };
  const input = picture({ onHover: read });
  const maps = [
    signedMap({ title: "w ⊙ x", says: "gradient attribution per pixel", onHover: read }),
    signedMap({ title: "bias attribution", says: "bias attribution per pixel", onHover: read }),
    signedMap({ title: "total", says: "both parts together, per pixel", onHover: read }),
  ] as const;
  const features = featureBars();
  const row = el("div", { class: "pictures" }, input.node, ...maps.map(({ node }) => node));
  const scale = choice({
    label: "scale",
    class: "segmented small",
    onChoose: (key) => {
      shared = key === "shared";
      drawn = null;
      if (view) draw(view);
    },
  });
  const unit = el("span", { class: "soft unit" });
  const blend = el("input", {
    type: "range",
    min: 0,
    max: 100,
    value: BLEND * 100,
    "aria-label": "how much of the mass lies over the input",
  });
  const over = el(
    "label",
    { class: "bbp-slider" },
    el("span", { class: "key" }, "mass over input"),
    blend,
  );
  const scaleKey = el("span", { class: "pair" }, el("span", { class: "key" }, "scale"), scale.node);
  const tools = el("div", { class: "tools" }, over, unit, scaleKey);
  const node = el(
    "section",
    { class: "bbp-gallery", "aria-label": "Input and attributions" },
    row,
    features.node,
    tools,
  );
  let shared = false;
  let view: GalleryView | null = null;
  let drawn: { film: Film; theme: Theme } | null = null;

  blend.addEventListener("input", () => input.blend(Number(blend.value) / 100));
  input.blend(BLEND);

  /** Pictures of a film change with the film only: stepping repaints nothing but the overlay. */
  function draw(next: GalleryView) {
    const { film, theme } = next;
    const isPicture = film.input.kind === "picture";
    scale.update({
      options: [
        { key: "each", label: "each", says: "each picture at full colour by itself" },
        { key: "shared", label: "shared", says: "one scale for all three" },
      ],
      chosen: shared ? "shared" : "each",
    });
    row.hidden = !isPicture;
    over.hidden = !isPicture;
    features.node.hidden = isPicture;
    if (film.input.kind === "picture") {
      input.update({ input: film.input, frame: next.frame, theme });
    }
    if (drawn?.film === film && drawn.theme === theme) return;
    drawn = { film, theme };
    if (film.input.kind === "picture") drawMaps(film, theme);
    else drawFeatures(film);
  }

  function drawMaps(film: Film, theme: Theme) {
    const { height, width, gradient, bias } = film.pictures;
    const total = gradient.map((value, index) => value + (bias[index] ?? 0));
    const parts = [gradient, bias, total];
    const own = parts.map(limitsOf);
    const largest = Math.max(...own.map(({ limit }) => limit));
    const sums = [film.totals.gradient, film.totals.bias, bothParts(film)];
    maps.forEach((map, index) => {
      const values = parts[index] ?? total;
      const limits = own[index] ?? limitsOf(values);
      const held = shared
        ? { ...limits, limit: largest, clipped: countBeyond(values, largest) }
        : limits;
      map.update({ values, height, width, limits: held, sum: sums[index] ?? null, theme });
    });
    const input = film.input.kind === "picture" ? film.input : null;
    const grain =
      input && input.width > width ? ` of ${Math.round(input.width / width)} px blocks` : "";
    unit.textContent = `target units per pixel${grain}`;
  }

  function drawFeatures(film: Film) {
    if (film.input.kind !== "vector") return;
    const { gradient, bias } = film.pictures;
    const { totals } = film;
    const sums = { gradient: totals.gradient, bias: totals.bias, total: bothParts(film) };
    features.update({ input: film.input, gradient, bias, sums, shared });
    unit.textContent = "target units per feature";
  }

  return {
    node,
    update(next: GalleryView) {
      view = next;
      draw(next);
    },
    destroy() {
      input.destroy();
      for (const map of maps) map.destroy();
      features.destroy();
    },
  };
}

/** The sum of both parts, from Python's own numbers: pixels are float32 and may be sums over blocks. */
function bothParts({ totals: { gradient, bias } }: Film): Figure {
  return gradient === null || bias === null ? null : gradient + bias;
}
