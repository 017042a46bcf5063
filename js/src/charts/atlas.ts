/** The mass of one step, channel by channel: tiles for maps, a strip of bars where there are no places. */

import { paint, palette, rampImage, type Theme } from "../colour";
import { el, followWidth } from "../dom";
import { compact, exactly, NOT_FINITE, signed } from "../figures";
import type { Frame, MapsMass, VectorMass } from "../film";
import { strip } from "./strip";

const NAMED = 6;

export interface AtlasView {
  frame: Frame;
  theme: Theme;
  /** What the channels of a vector are called, where they are known: the classes at the output. */
  names: string[] | null;
}

export function atlas() {
  const title = el("span", { class: "title" });
  const says = el("span", { class: "soft" });
  const reach = el("span");
  const ramp = el("i", { class: "ramp" });
  const broken = el("span", { class: "broken", hidden: true });
  const scale = el("div", { class: "limits" }, ramp, reach, broken);
  const tiles = el("div", { class: "tiles" });
  const bars = strip("the mass of each channel, as bars");
  const largest = el("ol", { class: "largest" });
  const vector = el("div", { class: "vector" }, bars.node, largest);
  const empty = el("p", { class: "soft empty" });
  const node = el(
    "section",
    { class: "bbp-atlas", "aria-label": "Mass of this step, by channel" },
    el("h4", {}, title, says),
    tiles,
    scale,
    vector,
    empty,
  );
  const pool: Tile[] = [];
  let drawn: AtlasView | null = null;
  let width = 700;
  let tallest = 0;

  function drawMaps(mass: MapsMass, theme: Theme) {
    while (pool.length < mass.shown.length) {
      const tile = makeTile();
      pool.push(tile);
      tiles.append(tile.node);
    }
    const size = mass.height * mass.width;
    pool.forEach((tile, index) => {
      const channel = mass.shown[index];
      tile.node.hidden = channel === undefined;
      if (channel === undefined) return;
      const codes = mass.tiles.subarray(index * size, (index + 1) * size);
      paint(tile.canvas, codes, mass.height, mass.width, palette(theme));
      const sum = mass.sums[index] ?? null;
      tile.channel.textContent = String(channel);
      tile.sum.textContent = compact(sum, 2);
      tile.sum.dataset.value = exactly(sum);
      tile.canvas.setAttribute("aria-label", `channel ${channel}, sum ${compact(sum)}`);
    });
    tiles.style.setProperty("--bbp-tiles", String(Math.max(6, Math.min(12, mass.shown.length))));
    reach.textContent = `±${compact(mass.limit, 2)}`;
    ramp.style.backgroundImage = rampImage(theme);
    const count = mass.tiles.reduce((sum, code) => (code === 0 ? sum + 1 : sum), 0);
    broken.hidden = count === 0;
    broken.textContent = `${count} ${NOT_FINITE}`;
  }

  function drawVector(mass: VectorMass, theme: Theme, names: string[] | null) {
    bars.update({ values: mass.values, width, theme });
    const order = [...mass.values.keys()]
      .sort((a, b) => Math.abs(mass.values[b] ?? 0) - Math.abs(mass.values[a] ?? 0))
      .slice(0, NAMED);
    largest.replaceChildren(
      ...order.map((channel) => {
        const value = mass.values[channel] ?? 0;
        const figure = el("b", { "data-value": exactly(value) }, signed(value));
        return el("li", {}, el("span", {}, names?.[channel] ?? `channel ${channel}`), figure);
      }),
    );
  }

  function draw(view: AtlasView) {
    const { mass, name } = view.frame;
    title.textContent = `Mass at ${name}`;
    says.textContent = describe(view.frame);
    tiles.hidden = mass.kind !== "maps";
    scale.hidden = mass.kind !== "maps";
    vector.hidden = mass.kind !== "vector";
    empty.hidden = mass.kind !== "none";
    if (mass.kind === "maps") drawMaps(mass, view.theme);
    else if (mass.kind === "vector") drawVector(mass, view.theme, view.names);
    else
      empty.textContent =
        "No bias has been gathered here yet. Step toward the input to meet the first.";
  }

  /** Stepping from tiles to a line of words must not make the page below jump. */
  function holdHeight() {
    const { offsetHeight } = node;
    if (offsetHeight <= tallest) return;
    tallest = offsetHeight;
    node.style.minHeight = `${tallest}px`;
  }

  const stopFollowing = followWidth(node, (measured) => {
    if (Math.abs(measured - width) < 1) return;
    width = measured;
    tallest = 0;
    node.style.minHeight = "";
    if (drawn?.frame.mass.kind === "vector") draw(drawn);
  });

  return {
    node,
    update(view: AtlasView) {
      if (drawn && drawn.frame === view.frame && drawn.theme === view.theme) return;
      drawn = view;
      draw(view);
      holdHeight();
    },
    destroy: stopFollowing,
  };
}

interface Tile {
  node: HTMLElement;
  canvas: HTMLCanvasElement;
  channel: HTMLElement;
  sum: HTMLElement;
}

function makeTile(): Tile {
  const canvas = el("canvas", { role: "img" });
  const channel = el("span");
  const sum = el("b");
  const node = el("figure", { class: "tile" }, canvas, el("figcaption", {}, channel, sum));
  return { node, canvas, channel, sum };
}

function describe({ mass, shape, op }: Frame): string {
  if (mass.kind === "none") return op;
  if (mass.kind === "vector") return `${mass.channels} channels without places, by number`;
  const [height, width] = shape.slice(-2);
  const all = mass.shown.length === mass.channels;
  const part = all ? "" : `, the ${mass.shown.length} largest by |mass|`;
  const noun = mass.channels === 1 ? "channel" : "channels";
  return `${mass.channels} ${noun} of ${height ?? mass.height} × ${width ?? mass.width}${part}`;
}
