/**
 * Each input of a film as a film of its own: the same answer, with what it says of that input alone.
 *
 * The walk ends at all inputs at once. The first one's frame is the last of the film; those of the others are counted
 * on from there, in units, in steps and in questions.
 */

import type { Film, Frame } from "./film";
import type { Look } from "./look";
import { type Box, fieldBox, fieldSpan } from "./places";

const known = new WeakMap<Film, Film[]>();

export function panesOf(film: Film): Film[] {
  if (film.others.length === 0) return [film];
  const found = known.get(film) ?? split(film);
  known.set(film, found);
  return found;
}

function split(film: Film): Film[] {
  const { input, pictures, others, totals, frames } = film;
  const [first] = frames.slice(-1);
  if (!first) return [film];
  return [{ input, pictures, frame: first }, ...others].map(({ frame: end, ...one }, place) => {
    const { gradient_sum: gradient, bias_sum: bias } = one.pictures;
    const walk = frames.slice(0, -1).map((frame) => seenFrom(frame, place));
    return {
      ...film,
      ...one,
      others: [],
      totals: { ...totals, gradient, bias },
      frames: [...walk, { ...seenFrom(end, place), name: one.input.title }],
    };
  });
}

/** A step as one input sees it: where its places are, and which of them a unit looks at. */
function seenFrom(frame: Frame, place: number): Frame {
  const sight = frame.sees[place] ?? null;
  const grid = { ...frame.grid, placed: sight?.placed ?? false };
  return { ...frame, grid, field: sight?.field ?? null };
}

/** The number of the first input's frame: the end of the walk. */
export function lastOf({ frames }: Film): number {
  return frames.length - 1;
}

/** Which input a frame is of; null of a step of the walk. */
export function inputAt(film: Film, frame: number): number | null {
  const place = frame - lastOf(film);
  return place >= 0 && place <= film.others.length ? place : null;
}

/** A frame by its number, those of all inputs among them. */
export function frameAt(film: Film, frame: number): Frame | undefined {
  const place = inputAt(film, frame);
  return place === null ? film.frames[frame] : panesOf(film)[place]?.frames.at(-1);
}

/** Every frame that holds something to be drawn. */
export function allFrames(film: Film): Frame[] {
  return [...film.frames, ...film.others.map(({ frame }) => frame)];
}

/** Whether a step is on the way to an input: whether its units see anything of it. */
export function reaches(film: Film, frame: number, place: number): boolean {
  const { sees = [] } = frameAt(film, frame) ?? {};
  return sees.length === 0 || (sees[place] ?? null) !== null;
}

const WHOLE: Box = { top: 0, left: 0, height: 1, width: 1 };

/** What a unit sees of one of the inputs, where that has places; of several inputs a frame tells also that it is all. */
export function boxOn(film: Film, place: number, unit: Look["unit"]): Box | null {
  const pane = panesOf(film)[place];
  if (!unit || !pane || !reaches(film, unit.frame, place)) return null;
  const { input } = pane;
  if (input.kind === "vector") return null;
  const frame = pane.frames[Math.min(unit.frame, lastOf(film))];
  if (!frame) return null;
  if (!frame.field && film.others.length > 0 && unit.frame > 0) return WHOLE;
  return input.kind === "picture"
    ? fieldBox(frame, unit.at, input)
    : fieldSpan(frame, unit.at, input.length);
}
