/** Everything that the page shows, in one small plain object: what is saved, shared, undone and redone. */

import { Fields, WireError } from "./fields";
import {
  type Aim,
  type Choice,
  type Lane,
  LEVELS,
  type Level,
  type State,
  WAYS,
  type Way,
} from "./film";
import { readLane } from "./wire";

export type Scale = "each" | "shared" | "step";
export type Grain = 1 | 4 | 8 | 16;
/** The channels of a signal: a lane each, or summed. */
export type Channels = "apart" | "summed";
export type Panel = "maps" | "flow" | "triage" | "classes";

export const SCALES: readonly Scale[] = ["each", "shared", "step"];
export const GRAINS: readonly Grain[] = [1, 4, 8, 16];
export const CHANNELS: readonly Channels[] = ["apart", "summed"];
export const PANELS: readonly Panel[] = ["maps", "flow", "triage", "classes"];

export interface Look extends Aim {
  lanes: Lane[];
  /** The lane whose mass, ledger and unit are shown. */
  lane: number;
  /** The lane that is subtracted from the active one. */
  difference: number | null;
  step: number;
  level: Level;
  scale: Scale;
  grain: Grain;
  channels: Channels;
  /** Opacity of the mass over the input. */
  overlay: number;
  tensor: Way;
  sort: "mass" | "index";
  page: number;
  unit: { frame: number; at: number[] } | null;
  /** Frames selected on the rail, for the plan. */
  stops: number[];
  panel: Panel;
  /** Modules expanded in the flow. */
  open: string[];
  /** t of w·x + t·b. */
  dim: number;
}

const FIRST_LANE: Lane = { rule: "proportional", parameters: {}, plan: {} };

export const FIRST_LOOK: Look = {
  sample: 0,
  target: null,
  versus: null,
  lanes: [FIRST_LANE],
  lane: 0,
  difference: null,
  step: 0,
  level: "layers",
  scale: "each",
  grain: 1,
  channels: "apart",
  overlay: 0.65,
  tensor: "mass",
  sort: "mass",
  page: 0,
  unit: null,
  stops: [],
  panel: "maps",
  open: [],
  dim: 1,
};

export const MOST_LANES = 4;

/**
 * What a chart calls when its reader changes something. `passing` is a hand that still moves: it is shown, but
 * is no step of its own to undo.
 */
export type OnLook = (change: Partial<Look>, passing?: boolean) => void;

/** The question that a lane of a look asks. */
export function stateOf(look: Look, lane = look.lane): State {
  const { sample, target, versus, lanes } = look;
  const { rule, parameters, plan } = lanes[lane] ?? lanes[0] ?? FIRST_LANE;
  return { sample, target, versus, rule, parameters, plan };
}

/** What of a look is a question to the kernel. */
export const ASKS: readonly (keyof Look)[] = ["sample", "target", "versus", "lanes"];

/**
 * A look, or a part of one, from outside: from Python, a saved page, somebody's hands. What is not understood is
 * left out, since an old look must not break a new page.
 */
export function readLook(raw: Record<string, unknown> | undefined): Partial<Look> {
  if (!raw) return {};
  const fields = new Fields(raw, "look");
  const one = <K extends keyof Look>(name: K, read: () => Look[K]): Partial<Look> => {
    if (!(name in raw)) return {};
    try {
      return { [name]: read() } as unknown as Partial<Look>;
    } catch (cause) {
      if (cause instanceof WireError) return {};
      throw cause;
    }
  };
  const among = <T>(name: string, known: readonly T[]): T => {
    const value = raw[name] as T;
    if (known.includes(value)) return value;
    throw new WireError(`look.${name}: wanted one of ${known.join(", ")}`);
  };
  const part = (name: string) => Math.max(0, Math.min(1, fields.number(name)));
  return {
    ...one("sample", () => fields.size("sample")),
    ...one("target", () => fields.figure("target")),
    ...one("versus", () => fields.figure("versus")),
    ...one("lanes", () => some(fields.each("lanes", readLane).slice(0, MOST_LANES))),
    ...one("lane", () => fields.size("lane")),
    ...one("difference", () => fields.figure("difference")),
    ...one("step", () => fields.size("step")),
    ...one("level", () => among("level", LEVELS)),
    ...one("scale", () => among("scale", SCALES)),
    ...one("grain", () => among("grain", GRAINS)),
    ...one("channels", () => among("channels", CHANNELS)),
    ...one("overlay", () => part("overlay")),
    ...one("tensor", () => among("tensor", WAYS)),
    ...one("sort", () => among("sort", ["mass", "index"] as const)),
    ...one("page", () => fields.size("page")),
    ...one("unit", () => readUnit(fields.fieldsOrNull("unit"))),
    ...one("stops", () => fields.sizes("stops")),
    ...one("panel", () => among("panel", PANELS)),
    ...one("open", () => fields.texts("open")),
    ...one("dim", () => part("dim")),
  };
}

function some<T>(list: T[]): T[] {
  if (list.length === 0) throw new WireError("look.lanes: wanted at least one");
  return list;
}

function readUnit(unit: Fields | null): Look["unit"] {
  return unit === null ? null : { frame: unit.size("frame"), at: unit.sizes("at") };
}

/** A look that holds together: no lane beyond the last. */
export function mended(look: Look): Look {
  const last = look.lanes.length - 1;
  const difference = look.difference !== null && look.difference > last ? null : look.difference;
  return { ...look, lane: Math.min(look.lane, last), difference };
}

/** A rule in a few letters, for a lane's head: its name and the parameters that a reader set. */
export function shortName({ rule, parameters }: Choice): string {
  const shown = Object.entries(parameters).filter(([, value]) => typeof value === "number");
  const letter = (name: string) => (name === "temperature" ? "T" : name);
  const figures = shown.map(([name, value]) => `${letter(name)} ${value}`);
  return figures.length > 0 ? `${rule}, ${figures.join(", ")}` : rule;
}

/** What tells lanes apart: the rule, and more of it only where another lane has the same. */
export function laneNames(lanes: readonly Lane[]): string[] {
  return lanes.map((lane, index) => {
    const alike = lanes.filter((other, at) => at !== index && other.rule === lane.rule);
    if (alike.length === 0) return lane.rule;
    const name = shortName(lane);
    const planned = Object.keys(lane.plan).length > 0;
    return planned && alike.some((other) => shortName(other) === name) ? `${name}, plan` : name;
  });
}
