/** The sliders of one rule. */

import { el } from "../dom";
import type { Choice, Parameter, Rule } from "../film";
import { slider } from "./slider";

export interface KnobsEvents {
  onChange(parameters: Record<string, Parameter>): void;
}

export function knobs({ onChange }: KnobsEvents) {
  const node = el("div", { class: "knobs" });
  let sliders: { name: string; part: ReturnType<typeof slider> }[] = [];
  let drawn = "";
  let parameters: Record<string, Parameter> = {};

  function build(rule: Rule | undefined) {
    for (const { part } of sliders) part.destroy();
    sliders = (rule?.parameters ?? []).map((parameter) => ({
      name: parameter.name,
      part: slider({
        parameter,
        onChange: (value) => onChange({ ...parameters, [parameter.name]: value }),
      }),
    }));
    node.replaceChildren(...sliders.map(({ part }) => part.node));
  }

  return {
    node,
    /** `whose` is what they belong to: a hand on one must not end up turning another's. */
    update(rule: Rule | undefined, chosen: Choice | null, whose: string) {
      parameters = chosen?.parameters ?? {};
      const asked = JSON.stringify([rule ?? null, whose]);
      if (asked !== drawn) {
        drawn = asked;
        build(rule);
      }
      for (const { name, part } of sliders) {
        const standard = rule?.parameters.find((one) => one.name === name)?.default ?? 0;
        const value = parameters[name];
        part.update(typeof value === "number" ? value : standard);
      }
    },
    destroy() {
      for (const { part } of sliders) part.destroy();
    },
  };
}
