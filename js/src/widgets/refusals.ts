/** What is told where a film is asked for that nobody can make. */

import type { Failure } from "../film";
import type { Gone } from "../talk";

const STILL_THERE =
  "Films that were seen keep stepping, and what was computed can still be chosen.";
const REFUSALS = {
  saved: {
    title: "Not in this page",
    message:
      "This page was saved without that film, and has no kernel to ask. Save it again with more rules, samples or targets.",
  },
  restarted: {
    title: "The kernel was restarted",
    message: `It knows nothing of this explorer: run the cell again. ${STILL_THERE}`,
  },
  dead: {
    title: "The kernel is gone",
    message: `Start one and run the cell again. ${STILL_THERE}`,
  },
} as const;

/** Why nobody answers; null where somebody may. */
export function refusalOf(gone: Gone): Failure | null {
  if (gone === null || gone === "silent") return null;
  return { seq: null, lane: null, traceback: "", ...REFUSALS[gone] };
}
