/**
 * At which step the rules part company: how far the mass of each lane lies from that of the active one.
 *
 * 0 is the same mass in the same places, 1 not one place in common. The distance is read from what the film
 * holds for drawing: the mass summed over channels by place, or by unit where there are no places.
 */

import { svg } from "../dom";
import { compact } from "../figures";
import type { Choice, Film, Tensor } from "../film";
import { type Look, shortName } from "../look";
import { layStops, MARGIN, textWidth } from "./rail-layout";

const ROW = 24;
const BASE = 19.5;
const RISE = 16;

/** For each film, how far it parts from the active lane's at each stop; null where either holds nothing to compare. */
export function parting(
  films: readonly (Film | null)[],
  { lane, level }: Pick<Look, "lane" | "level">,
): (number | null)[][] {
  const active = films[lane] ?? null;
  return films.map((film) => {
    if (!film || !active) return (film ?? active)?.levels[level].map(() => null) ?? [];
    return active.levels[level].map(({ frame }) => apart(active, film, frame));
  });
}

const known = new WeakMap<Film, WeakMap<Film, Map<number, number | null>>>();

/** Films do not change, so each pair of frames is compared once. */
function apart(a: Film, b: Film, frame: number): number | null {
  const ofA = known.get(a) ?? new WeakMap<Film, Map<number, number | null>>();
  known.set(a, ofA);
  const figures = ofA.get(b) ?? new Map<number, number | null>();
  ofA.set(b, figures);
  const found = figures.get(frame);
  if (found !== undefined) return found;
  const figure = distance(massOf(a.frames[frame]?.tensor), massOf(b.frames[frame]?.tensor));
  figures.set(frame, figure);
  return figure;
}

/** ½ Σ|a − b| of the larger Σ|·|; places that are not finite in either count in neither. */
function distance(a: Float32Array | null, b: Float32Array | null): number | null {
  if (!a || !b || a.length !== b.length) return null;
  let between = 0;
  let ofA = 0;
  let ofB = 0;
  for (let index = 0; index < a.length; index += 1) {
    const one = a[index] ?? 0;
    const other = b[index] ?? 0;
    if (!Number.isFinite(one) || !Number.isFinite(other)) continue;
    between += Math.abs(one - other);
    ofA += Math.abs(one);
    ofB += Math.abs(other);
  }
  const larger = Math.max(ofA, ofB);
  return larger === 0 ? 0 : between / 2 / larger;
}

const masses = new WeakMap<Tensor, Float32Array>();

function massOf(tensor: Tensor | undefined): Float32Array | null {
  if (tensor?.kind === "vector") return tensor.mass;
  if (tensor?.kind !== "maps") return null;
  const found = masses.get(tensor);
  if (found) return found;
  const { tile, limit } = tensor.flat;
  const unit = (limit ?? Number.NaN) / 127;
  const mass = new Float32Array(tile.length);
  for (let index = 0; index < tile.length; index += 1) {
    const code = tile[index] ?? 0;
    mass[index] = code === 0 ? Number.NaN : (code - 128) * unit;
  }
  masses.set(tensor, mass);
  return mass;
}

export interface PartingView {
  films: (Film | null)[];
  look: Look;
  /** The stop at the cursor. */
  at: number;
}

/** A row for each lane but the active one, its stops under those of the rail. */
export function partingStrip() {
  const node = svg("svg", { class: "bbp-parting", role: "img", "aria-label": "" });
  const cursor = svg("line", { class: "cursor", y1: 0 });
  const title = svg("title");
  const body = svg("g");
  node.append(title, body, cursor);
  node.toggleAttribute("hidden", true);
  let width = 1060;
  let zoom = 1;
  let view: PartingView | null = null;
  let rows: Row[] = [];
  let xs: number[] = [];

  function rebuild() {
    if (!view) return;
    const { films, look } = view;
    const lanes = films.flatMap((film, lane) => (film && lane !== look.lane ? [lane] : []));
    const there = lanes.length > 0 && films[look.lane];
    node.toggleAttribute("hidden", !there);
    rows = [];
    if (!there) return;
    const all = parting(films, look);
    const laid = layStops(all[look.lane]?.length ?? 0, width);
    xs = laid.xs;
    rows = lanes.map((lane) => ({
      lane,
      ...namesOf(films[lane]?.state ?? look.lanes[lane]),
      values: all[lane] ?? [],
      figure: svg("text", { class: "figure", x: width - MARGIN + 14 }),
    }));
    const height = rows.length * ROW + 4;
    node.setAttribute("viewBox", `0 0 ${width} ${height}`);
    node.setAttribute("height", String(height * zoom));
    cursor.setAttribute("y2", String(height));
    body.replaceChildren(...rows.flatMap((row, index) => drawRow(row, index * ROW, laid)));
    move();
  }

  function move() {
    if (!view || rows.length === 0) return;
    const { at, look } = view;
    const x = String(xs[at] ?? 0);
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    const said = rows.map(({ lane, name, values, figure }) => {
      const here = values[at] ?? null;
      figure.textContent = here === null ? "–" : `${compact(here, 2)} apart`;
      figure.setAttribute("data-value", String(here));
      return `lane ${lane + 1}, ${name}, ${describe(values, at)}`;
    });
    const text = `How far the mass of each lane parts from that of lane ${look.lane + 1}, 0 the same, 1 no place in common: ${said.join("; ")}`;
    node.setAttribute("aria-label", text);
    title.textContent = text;
  }

  function describe(values: (number | null)[], at: number): string {
    const here = values[at] ?? null;
    const finite = values.map((value) => value ?? -1);
    const most = finite.reduce(
      (best, value, index) => (value > (finite[best] ?? 0) ? index : best),
      0,
    );
    const largest = values[most] ?? null;
    const says = here === null ? "not known here" : `${compact(here, 2)} here`;
    if (largest === null || largest === 0) return says;
    const film = view?.films[view.look.lane];
    const name = film?.levels[view?.look.level ?? "layers"][most]?.name ?? "";
    return `${says}, most at ${name} with ${compact(largest, 2)}`;
  }

  return {
    node,
    update(next: PartingView) {
      const same =
        view?.films === next.films ||
        (view?.films.length === next.films.length &&
          view.films.every((film, lane) => film === next.films[lane]));
      const { look } = next;
      const still =
        same &&
        view?.look.lane === look.lane &&
        view.look.level === look.level &&
        view.look.lanes === look.lanes;
      view = next;
      if (still) move();
      else rebuild();
    },
    /** As wide and as large as the rail above it. */
    resize(next: number, scale: number) {
      width = next;
      zoom = scale;
      rebuild();
    },
  };
}

interface Row {
  lane: number;
  name: string;
  rule: string;
  values: (number | null)[];
  figure: SVGTextElement;
}

function namesOf(choice: Choice | undefined): { name: string; rule: string } {
  return { name: choice ? shortName(choice) : "", rule: choice?.rule ?? "" };
}

function drawRow(row: Row, top: number, { xs, gap }: { xs: number[]; gap: number }): SVGElement[] {
  const { values, figure, lane, name, rule } = row;
  const base = top + BASE;
  const last = xs.at(-1) ?? 0;
  // The number tells the lane, its rule and parameters help where there is room for them.
  const room = MARGIN - 16;
  const whole = `${lane + 1} ${name}`;
  const fits = [whole, `${lane + 1} ${rule}`].find((text) => textWidth(text) <= room);
  const label = fits ?? `lane ${lane + 1}`;
  figure.setAttribute("y", String(base));
  const parts: SVGElement[] = [
    svg("line", { class: "axis", x1: last - 8, x2: (xs[0] ?? 0) + 8, y1: base, y2: base }),
  ];
  for (const run of runsOf(values)) {
    const points = run.map((index) => {
      const x = xs[index] ?? 0;
      return `${x.toFixed(1)},${(base - (values[index] ?? 0) * RISE).toFixed(1)}`;
    });
    const from = xs[run[0] ?? 0] ?? 0;
    const to = xs[run.at(-1) ?? 0] ?? 0;
    if (run.length === 1) {
      const height = (values[run[0] ?? 0] ?? 0) * RISE;
      const width = Math.max(1, Math.min(4, gap * 0.6));
      parts.push(
        svg("rect", { class: "apart", x: from - width / 2, y: base - height, width, height }),
      );
      continue;
    }
    const d = `M${from.toFixed(1)},${base} L${points.join(" L")} L${to.toFixed(1)},${base} Z`;
    parts.push(svg("path", { class: "apart", d }));
  }
  const unknown = values.flatMap((value, index) => (value === null ? [index] : []));
  for (const index of unknown) {
    const x = xs[index] ?? 0;
    const half = Math.min(3, gap * 0.3);
    parts.push(svg("line", { class: "unknown", x1: x - half, x2: x + half, y1: base, y2: base }));
  }
  const text = svg("text", { class: "lane", x: last - 14, y: base }, label);
  return [...parts, text, figure];
}

/** Stretches of stops that are known. */
function runsOf(values: (number | null)[]): number[][] {
  const runs: number[][] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if (index > 0 && values[index - 1] !== null) runs.at(-1)?.push(index);
    else runs.push([index]);
  });
  return runs;
}
