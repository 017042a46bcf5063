/** The last line: the keys, and what is being looked at. */

import { el } from "../dom";

const KEYS: [string[], string][] = [
  [["←"], "toward the input"],
  [["→"], "back"],
  [["space"], "play"],
  [["[", "]"], "speed"],
  [["1–9"], "rules"],
  [["shift ← →"], "select for the plan"],
  [["n"], "next anomaly"],
  [["ctrl z"], "undo"],
  [["esc"], "stop"],
];

export function foot() {
  const keys = KEYS.map(([names, says]) =>
    el("span", {}, ...names.map((name) => el("kbd", {}, name)), ` ${says}`),
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
