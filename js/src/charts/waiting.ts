/** What stands where the first film will: on a large network its two parts are known long before it. */

import { el } from "../dom";
import { compact } from "../figures";
import type { Progress } from "../film";

const WAITING = "Waiting for the first film.";

export function waiting() {
  const target = el("span", { class: "target" });
  const value = el("span");
  const gradient = el("span");
  const bias = el("span");
  const sum = el(
    "p",
    { class: "sum", hidden: true },
    target,
    " ",
    value,
    " = ",
    el("span", { class: "soft" }, "w·x "),
    gradient,
    el("span", { class: "soft" }, " + b "),
    bias,
  );
  const words = el("p", { class: "soft" }, WAITING);
  const node = el("div", { class: "bbp-waiting" }, sum, words);

  return {
    node,
    update(shown: boolean, progress: Progress | null) {
      node.hidden = !shown;
      const known = shown ? (progress?.known ?? null) : null;
      // What was told stays while the frames are drawn, which tells nothing new.
      if (!known && progress?.stage === "film" && !sum.hidden) return;
      sum.hidden = known === null;
      words.textContent = known ? "The bias is being carried back to the input." : WAITING;
      if (!known) return;
      target.textContent = known.target;
      value.textContent = compact(known.value, 4);
      gradient.textContent = compact(known.gradient, 4);
      bias.textContent = compact(known.bias, 4);
    },
  };
}
