/** The row under the rail: the input with what moves, then the two parts of the answer and their sum. */

import type { Theme } from "../colour";
import { button, el } from "../dom";
import { signed } from "../figures";
import type { Figure, Film } from "../film";
import { heldTo, type Limits } from "../limits";
import {
  GRAINS,
  type Grain,
  type Look,
  MOST_LANES,
  type OnLook,
  SCALES,
  type Scale,
  shortName,
} from "../look";
import { differenceOf, type Plane, type Planes, planesOf } from "../planes";
import { choice } from "./choice";
import { featureBars, type Part } from "./feature-bars";
import { picture } from "./picture";
import { type Box, cellAt, type Place } from "./pointer";
import { signedMap } from "./signed-map";
import { speaker } from "./status";

export interface GalleryView {
  films: (Film | null)[];
  look: Look;
  /** The step whose mass lies over the input. */
  frame: number;
  theme: Theme;
  /** What the unit at hand sees of the input, in fractions of it. */
  box?: Box | null;
}

/** One of the pictures, or of the columns of bars. */
interface Shown {
  place: number;
  kind: "gradient" | "bias" | "total" | "difference";
  name: string;
  says: string;
  plane: Plane | null;
  limits: Limits;
  sum: Figure;
  chosen: boolean | null;
}

/** Places in the row: one for each lane, whether or not it is in use. */
const GRADIENT = 0;
const FIRST_LANE = 1;
const TOTAL = FIRST_LANE + MOST_LANES;
const DIFFERENCE = TOTAL + 1;
const NO_LIMITS: Limits = { limit: 0, clipped: 0, broken: 0 };

const SCALE_SAYS: Record<Scale, string> = {
  each: "Each picture at full colour by itself, and the lanes of rules together. The mass over the input by its own step.",
  shared: "One scale for all pictures. The mass over the input by its own step.",
  step: "A scale that stays put. Bias and total at the largest seen for this input and target, whatever the rule; the mass over the input, by area, at the largest of all steps.",
};

export function gallery({ onLook }: { onLook: OnLook }) {
  const read = (place: Place | null) => {
    for (const one of [input, ...maps]) one.read(place);
    reading.textContent = place === null ? "" : placeText(place);
    // The unit keeps its room while a place stands there, so that the row does not break anew.
    unit.classList.toggle("covered", place !== null);
  };
  const input = picture({
    onHover: read,
    onProbe: (place) => {
      read(place);
      if (place === null) return;
      // A place to speak from, only once there is something to say.
      if (!voice.node.isConnected) node.append(voice.node);
      voice.say(spoken(place));
    },
    grid: () => planes && { ...planes.fine, block: planes.block },
  });
  const maps = Array.from({ length: DIFFERENCE + 1 }, (_, place) => {
    const lane = place - FIRST_LANE;
    const isLane = lane >= 0 && lane < MOST_LANES;
    return signedMap({ onHover: read, ...(isLane ? { onChoose: () => onLook({ lane }) } : {}) });
  });
  const features = featureBars({
    onChoose: (part) => onLook({ lane: (bars[part]?.place ?? FIRST_LANE) - FIRST_LANE }),
  });
  const voice = speaker();
  const row = el("div", { class: "pictures" }, input.node, ...maps.map(({ node }) => node));
  const scale = choice({
    label: "scale",
    class: "segmented small",
    onChoose: (key) => onLook({ scale: key as Scale }),
  });
  const grain = choice({
    label: "grain",
    class: "segmented small",
    onChoose: (key) => onLook({ grain: Number(key) as Grain }),
  });
  const unit = el("span");
  const reading = el("span", { class: "reading" });
  const units = el("span", { class: "soft unit" }, unit, reading);
  const blend = el("input", {
    type: "range",
    min: 0,
    max: 100,
    "aria-label": "how much of the mass lies over the input",
  });
  const over = el(
    "label",
    { class: "bbp-slider" },
    el("span", { class: "key" }, "over input"),
    blend,
  );
  const lay = button(
    {
      class: "toggle small",
      "aria-pressed": "false",
      title: "Lay the attributions over the input as well",
    },
    () => {
      laid = !laid;
      lay.setAttribute("aria-pressed", String(laid));
      if (view) draw(view);
    },
    "maps too",
  );
  const overKey = el("span", { class: "pair" }, over, lay);
  const grainKey = pair("grain", grain.node);
  const tools = el("div", { class: "tools" }, overKey, pair("scale", scale.node), grainKey, units);
  const node = el(
    "section",
    { class: "bbp-gallery", "aria-label": "Input and attributions" },
    row,
    features.node,
    tools,
  );
  let laid = false;
  let view: GalleryView | null = null;
  let bars: Shown[] = [];
  let drawn: unknown[] = [];
  let planes: Planes | null = null;
  const seen = new Map<string, { bias: number; total: number }>();

  blend.addEventListener("input", () => onLook({ overlay: Number(blend.value) / 100 }, true));
  blend.addEventListener("change", () => onLook({ overlay: Number(blend.value) / 100 }));

  function draw(next: GalleryView) {
    const { films, look, theme, box = null } = next;
    const film = films[look.lane] ?? films.find((one) => one !== null);
    const frame = film?.frames[next.frame];
    if (!film || !frame) return;
    const isPicture = film.input.kind === "picture";
    if (film.input.kind === "picture") {
      const across = look.scale === "step";
      input.update({ film, input: film.input, frame, theme, across, box });
      for (const map of maps) map.frame(box);
    }
    // Pictures change with the films and the choices only: stepping repaints nothing but the overlay.
    blendTo(look.overlay);
    const { lane, lanes, difference } = look;
    const now = [...films, lane, lanes, difference, look.scale, look.grain, theme, laid];
    if (now.length === drawn.length && now.every((one, index) => one === drawn[index])) return;
    drawn = now;
    row.hidden = !isPicture;
    features.node.hidden = isPicture;
    overKey.hidden = grainKey.hidden = !isPicture;
    lay.hidden = film.input.kind === "picture" && film.input.rgb === null;
    const shown = shownOf(film, films, look);
    if (isPicture) drawMaps(film, shown, theme);
    else drawFeatures(film, shown);
    drawTools(look);
    unit.textContent = unitText();
  }

  function blendTo(part: number) {
    row.style.setProperty("--bbp-blend", String(part));
    const text = String(Math.round(part * 100));
    if (blend.value !== text) blend.value = text;
  }

  function shownOf(film: Film, films: (Film | null)[], look: Look): Shown[] {
    const { lane, difference } = look;
    const here = planesOf(film, film.input.kind === "picture" ? look.grain : 1);
    planes = here;
    const several = films.length > 1;
    const shown: Shown[] = [
      {
        place: GRADIENT,
        kind: "gradient",
        name: "w ⊙ x",
        says: "gradient attribution",
        plane: here.gradient,
        limits: here.gradient.limits,
        sum: film.totals.gradient,
        chosen: null,
      },
    ];
    const biases = several ? films : [film];
    biases.slice(0, MOST_LANES).forEach((one, index) => {
      const own = one && planesOf(one, one.input.kind === "picture" ? look.grain : 1);
      // While another rule is on its way the picture is still that of the film, and is called so.
      const name = shortName(one?.state ?? look.lanes[index] ?? film.state);
      shown.push({
        place: FIRST_LANE + index,
        kind: "bias",
        name: several ? `${index + 1} ${name}` : "bias attribution",
        says: several ? `bias attribution, lane ${index + 1}, ${name}` : "bias attribution",
        plane: own?.bias ?? null,
        limits: own?.bias.limits ?? NO_LIMITS,
        sum: one?.totals.bias ?? null,
        chosen: several ? index === lane : null,
      });
    });
    const active = films[lane] ?? null;
    const whole = several && !active ? null : here.total;
    shown.push({
      place: TOTAL,
      kind: "total",
      name: several ? `total of ${lane + 1}` : "total",
      says: several ? `both parts together, lane ${lane + 1}` : "both parts together",
      plane: whole,
      limits: whole?.limits ?? NO_LIMITS,
      sum: bothParts(film),
      chosen: null,
    });
    if (difference !== null && difference !== lane && difference < films.length) {
      const other = films[difference] ?? null;
      const theirs = other && planesOf(other, other.input.kind === "picture" ? look.grain : 1);
      const plane = active && theirs ? differenceOf(here.bias, theirs.bias) : null;
      shown.push({
        place: DIFFERENCE,
        kind: "difference",
        name: `${lane + 1} − ${difference + 1}`,
        says: `bias attribution of lane ${lane + 1} less that of lane ${difference + 1}`,
        plane,
        limits: plane?.limits ?? NO_LIMITS,
        sum: minus(active?.totals.bias ?? null, other?.totals.bias ?? null),
        chosen: null,
      });
    }
    return hold(shown, film, look);
  }

  /** Give each picture its limit. */
  function hold(shown: Shown[], film: Film, { scale: by, grain: size }: Look): Shown[] {
    const limitOf = (kind: Shown["kind"]) =>
      shown.reduce((most, one) => (one.kind === kind ? Math.max(most, one.limits.limit) : most), 0);
    const all = shown.reduce((most, { limits }) => Math.max(most, limits.limit), 0);
    const key = JSON.stringify([film.state.sample, film.target.index, film.target.versus, size]);
    const before = seen.get(key) ?? { bias: 0, total: 0 };
    const now = {
      bias: Math.max(before.bias, limitOf("bias")),
      total: Math.max(before.total, limitOf("total")),
    };
    seen.set(key, now);
    const step = { ...now, gradient: limitOf("gradient"), difference: now.bias };
    return shown.map((one) => {
      if (!one.plane) return one;
      const limit = by === "shared" ? all : by === "step" ? step[one.kind] : limitOf(one.kind);
      return { ...one, limits: heldTo(one.limits, one.plane.values, limit) };
    });
  }

  function drawMaps(film: Film, shown: Shown[], theme: Theme) {
    if (!planes || film.input.kind !== "picture") return;
    const { fine, block } = planes;
    const under = laid && film.input.rgb ? film.input : null;
    for (const map of maps) map.node.hidden = true;
    for (const { place, kind: _, ...one } of shown) {
      const map = maps[place];
      if (!map) continue;
      map.node.hidden = false;
      map.update({ ...one, fine, block, theme, under });
    }
    const count = shown.length + 1;
    row.style.setProperty("--bbp-columns", String(columnsFor(count, 5)));
    row.style.setProperty("--bbp-few-columns", String(columnsFor(count, 4)));
    row.classList.toggle("many", columnsFor(count, 5) === 5);
  }

  function drawFeatures(film: Film, shown: Shown[]) {
    if (film.input.kind !== "vector" || !planes) return;
    bars = shown;
    const parts: Part[] = shown.map(({ name, says, plane, limits, sum, chosen }) => ({
      name,
      says,
      values: plane?.values ?? null,
      limit: limits.limit,
      sum,
      chosen,
    }));
    features.update({ input: film.input, parts, order: planes.total.values });
  }

  function drawTools({ scale: by, grain: size }: Look) {
    scale.update({
      options: SCALES.map((key) => ({ key, label: key, says: SCALE_SAYS[key] })),
      chosen: by,
    });
    grain.update({
      options: GRAINS.map((one) => ({
        key: String(one),
        label: one === 1 ? "1 px" : String(one),
        says: one === 1 ? "every pixel" : `exact sums over blocks of ${one} × ${one} px`,
      })),
      chosen: String(size),
    });
  }

  function unitText(): string {
    if (!view || !planes) return "";
    if (!row.hidden) {
      const { pixels } = planes;
      return pixels === 1
        ? "target units per pixel"
        : `target units per block of ${pixels} × ${pixels} px`;
    }
    return "target units per feature";
  }

  /** The pixel or the block that the figures above the pictures belong to. */
  function placeText(place: Place): string {
    if (!planes) return "";
    const { fine, block, pixels } = planes;
    const { row: down, column } = cellAt(place, fine);
    if (pixels === 1) return `row ${down}, column ${column}`;
    const from = (index: number) => Math.floor(index / block) * pixels;
    const span = (index: number) => `${from(index)}–${from(index) + pixels - 1}`;
    return `rows ${span(down)}, columns ${span(column)}`;
  }

  function spoken(place: Place): string {
    const figures = maps
      .filter((map) => !map.node.hidden)
      .map((map) => `${map.name()} ${signed(map.at(place))}`);
    return `${placeText(place)}: ${figures.join(", ")}`;
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
      voice.destroy();
    },
  };
}

function pair(key: string, control: HTMLElement): HTMLElement {
  return el("span", { class: "pair" }, el("span", { class: "key" }, key), control);
}

/** Pictures in a row: as many as there are up to five, and two even rows beyond. */
function columnsFor(count: number, most: number): number {
  return count <= most ? count : Math.ceil(count / 2);
}

/** The sum of both parts, from Python's own numbers: pixels are float32 and may be sums over blocks. */
function bothParts({ totals: { gradient, bias } }: Film): Figure {
  return gradient === null || bias === null ? null : gradient + bias;
}

function minus(a: Figure, b: Figure): Figure {
  return a === null || b === null ? null : a - b;
}
