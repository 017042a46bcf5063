/** What stands in a row of the gallery: the parts of the answer, each with its limits and its sum. */

import type { Figure, Film } from "../film";
import { heldTo, type Limits } from "../limits";
import { type Look, laneNames, MOST_LANES, shortName } from "../look";
import { differenceOf, type Plane, type Planes, planesOf } from "../planes";

/** A part of the answer, however it is drawn. */
export interface Part {
  name: string;
  says: string;
  /** Null: on its way. */
  plane: Plane | null;
  limits: Limits;
  sum: Figure;
  chosen: boolean | null;
}

/** One of the pictures, or of the columns of bars. */
export interface Shown extends Part {
  place: number;
  kind: "gradient" | "bias" | "total" | "difference";
}

/** Places in the row: one for each lane, whether or not it is in use. */
export const GRADIENT = 0;
export const FIRST_LANE = 1;
export const TOTAL = FIRST_LANE + MOST_LANES;
export const DIFFERENCE = TOTAL + 1;
const NO_LIMITS: Limits = { limit: 0, clipped: 0, broken: 0 };

/** What is shown of one input: its gradient attribution, a bias attribution a lane, their total, and a difference. */
export function shownOf(film: Film, films: (Film | null)[], look: Look): Shown[] {
  const { lane, difference } = look;
  const here = partsOf(film, look);
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
  // While another rule is on its way the picture is still that of the film, and is called so.
  const states = biases.map((one, index) => one?.state ?? look.lanes[index] ?? film.state);
  const names = laneNames(states);
  biases.slice(0, MOST_LANES).forEach((one, index) => {
    const own = one && partsOf(one, look);
    const whole = shortName(states[index] ?? film.state);
    shown.push({
      place: FIRST_LANE + index,
      kind: "bias",
      name: several ? `${index + 1} ${names[index]}` : "bias attribution",
      says: several ? `bias attribution, lane ${index + 1}, ${whole}` : "bias attribution",
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
    const theirs = other && partsOf(other, look);
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
  return shown;
}

/** The largest limit of all that is shown. */
export function largestOf(shown: readonly Shown[]): number {
  return shown.reduce((most, { limits }) => Math.max(most, limits.limit), 0);
}

/**
 * Gives each picture its limit. What was seen of a target is remembered, for a scale that stays put; `all` is the
 * largest limit of everything on the screen.
 */
export function holder() {
  const seen = new Map<string, { bias: number; total: number }>();
  return (shown: Shown[], film: Film, look: Look, lanes: number, all: number): Shown[] => {
    const { scale: by, grain: size } = look;
    const limitOf = (kind: Shown["kind"]) =>
      shown.reduce((most, one) => (one.kind === kind ? Math.max(most, one.limits.limit) : most), 0);
    const { index, versus } = film.target;
    const key = JSON.stringify([film.state.sample, index, versus, size, lanes]);
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
  };
}

/** What a film says of each pixel or position, at the grain of a look. A table has none. */
export function partsOf(film: Film, { grain, channels }: Look): Planes {
  return planesOf(film, film.input.kind === "vector" ? 1 : grain, channels === "summed");
}

/** The sum of both parts, from Python's own numbers: pixels are float32 and may be sums over blocks. */
function bothParts({ totals: { gradient, bias } }: Film): Figure {
  return gradient === null || bias === null ? null : gradient + bias;
}

function minus(a: Figure, b: Figure): Figure {
  return a === null || b === null ? null : a - b;
}
