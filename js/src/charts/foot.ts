/** The last line: the keys, and what is being looked at. */

import { el } from "../dom";

/** The keys, what they do, and the parts of the explorer that they belong to. */
const KEYS: [string[], string, string][] = [
  [["←"], "toward the input", "rail"],
  [["→"], "back", "rail"],
  [["space"], "play", "rail"],
  [["[", "]"], "speed", "rail"],
  [["1–9"], "rules", "controls"],
  [["shift ← →"], "select for the plan", "rail controls"],
  [["n"], "next anomaly", "triage"],
  [["ctrl z"], "undo", "controls"],
  [["esc"], "stop", "rail"],
];

export function foot() {
  const keys = KEYS.map(([names, says, part]) =>
    el("span", { "data-of": part }, ...names.map((name) => el("kbd", {}, name)), ` ${says}`),
  );
  const network = el("span", { class: "network" });
  return {
    node: el("div", { class: "bbp-foot" }, ...keys, network),
    update(view: { network: string; precision: string; steps: number }) {
      const parts = [view.network, view.precision, view.steps > 0 ? `${view.steps} steps` : ""];
      network.textContent = parts.filter(Boolean).join(" · ");
    },
  };
}
