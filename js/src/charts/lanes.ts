/**
 * One to four lanes, each with a rule: the active one's rule and knobs are open, the others are one press away.
 */

import { button, el } from "../dom";
import type { Choice, Film, Lane, Parameter, Setup } from "../film";
import { type Look, MOST_LANES, type OnLook, shortName } from "../look";
import { choice } from "./choice";
import { knobs } from "./knobs";

export interface LanesView {
  setup: Setup;
  look: Look;
  films: (Film | null)[];
  /** Lanes being computed. */
  working: number[];
}

/** A look with one of its lanes changed. */
export function withLane(look: Look, index: number, change: Partial<Lane>): Lane[] {
  return look.lanes.map((lane, at) => (at === index ? { ...lane, ...change } : lane));
}

/** What is left when a lane goes: the active one stays active, and is not subtracted from itself. */
export function withoutLane({ lanes, lane, difference }: Look, index: number): Partial<Look> {
  const left = lanes.filter((_, at) => at !== index);
  const shift = (at: number) => (at > index ? at - 1 : at);
  const active = Math.min(left.length - 1, shift(lane));
  const minus = difference === null || difference === index ? null : shift(difference);
  return { lanes: left, lane: active, difference: minus === active ? null : minus };
}

export function lanes({ onLook }: { onLook: OnLook }) {
  const heads = el("div", { class: "bbp-lanes", role: "group", "aria-label": "lanes" });
  const add = button(
    { class: "add", title: "hold another rule beside this one, step by step" },
    () => addLane(),
    "+ lane",
  );
  const minus = choice({
    label: "difference",
    class: "segmented small",
    onChoose: (key) => onLook({ difference: key === "" ? null : Number(key) }),
  });
  const difference = el(
    "span",
    { class: "pair" },
    el("span", { class: "key" }, "difference"),
    minus.node,
  );
  const rules = choice({ label: "rule", class: "segmented", onChoose: (key) => chooseRule(key) });
  const turns = knobs({
    onChange: (parameters) => {
      if (view) onLook({ lanes: withLane(view.look, view.look.lane, { parameters }) });
    },
  });
  const laneNodes = [heads, difference];
  const ruleNodes = [rules.node, turns.node];

  /** The parameters that each rule was last used with: coming back to a rule finds it as it was left. */
  const used = new Map<string, Record<string, Parameter>>();
  let view: LanesView | null = null;
  let drawn = "";

  function settings(name: string): Choice | null {
    const rule = view?.setup.rules.find((one) => one.name === name);
    return rule ? { rule: name, parameters: used.get(name) ?? rule.standard } : null;
  }

  function chooseRule(name: string) {
    if (!view || view.look.lanes[view.look.lane]?.rule === name) return;
    const chosen = settings(name);
    if (chosen) onLook({ lanes: withLane(view.look, view.look.lane, chosen) });
  }

  function addLane() {
    if (!view) return;
    const { look, setup } = view;
    const taken = new Set(look.lanes.map(({ rule }) => rule));
    const next = setup.rules.find(({ name }) => !taken.has(name)) ?? setup.rules[0];
    const chosen = next ? settings(next.name) : null;
    if (!chosen) return;
    onLook({ lanes: [...look.lanes, { ...chosen, plan: {} }], lane: look.lanes.length });
  }

  function pick(index: number) {
    if (!view || index === view.look.lane) return;
    const { difference: less, lane } = view.look;
    // Going to the lane that was subtracted turns the difference round.
    onLook({ lane: index, ...(less === index ? { difference: lane } : {}) });
  }

  function drawHeads({ look, films, working }: LanesView) {
    const asked = JSON.stringify([
      look.lanes,
      look.lane,
      working,
      look.lanes.map((_, index) => Boolean(films[index])),
    ]);
    if (asked === drawn) return;
    drawn = asked;
    const at = [...heads.querySelectorAll("button")].indexOf(
      document.activeElement as HTMLButtonElement,
    );
    heads.replaceChildren(
      ...look.lanes.map((lane, index) => {
        const on = index === look.lane;
        const busy = working.includes(index);
        const planned = Object.keys(lane.plan).length;
        const parts: (Node | string)[] = [
          el("span", { class: "number" }, String(index + 1)),
          el("span", { class: "rule-name" }, shortName(lane)),
        ];
        if (planned > 0) parts.push(el("span", { class: "planned" }, `plan ${planned}`));
        if (busy) {
          parts.push(el("i", { class: "working", role: "img", "aria-label": "being computed" }));
        }
        const absent = !busy && !films[index];
        const kind = ["lane", on ? "on" : "", absent ? "absent" : ""].filter(Boolean).join(" ");
        return el(
          "span",
          { class: kind },
          button(
            {
              class: "pick",
              "aria-pressed": String(on),
              title: absent ? "not computed" : null,
              "data-key": index,
            },
            () => pick(index),
            ...parts,
          ),
          button(
            { class: "remove", "aria-label": `remove lane ${index + 1}` },
            () => view && onLook(withoutLane(view.look, index)),
            "×",
          ),
        );
      }),
    );
    if (at >= 0) {
      const all = heads.querySelectorAll<HTMLElement>("button");
      all[Math.min(at, all.length - 1)]?.focus({ preventScroll: true });
    }
  }

  return {
    laneNodes,
    ruleNodes,
    add,
    /** Press a rule of the active lane by its place, as the number keys do. */
    rule(index: number) {
      const name = view?.setup.rules[index]?.name;
      if (name !== undefined) chooseRule(name);
    },
    update(next: LanesView) {
      view = next;
      const { setup, look } = next;
      const lane = look.lanes[look.lane] ?? look.lanes[0];
      for (const one of look.lanes) used.set(one.rule, one.parameters);
      if (lane) used.set(lane.rule, lane.parameters);
      drawHeads(next);
      add.hidden = look.lanes.length >= MOST_LANES || setup.rules.length === 0;
      difference.hidden = look.lanes.length < 2;
      const name = look.lane + 1;
      minus.update({
        options: [
          { key: "", label: "off" },
          ...look.lanes.flatMap((_, index) =>
            index === look.lane ? [] : [{ key: String(index), label: `${name} − ${index + 1}` }],
          ),
        ],
        chosen: look.difference === null ? "" : String(look.difference),
      });
      rules.update({
        options: setup.rules.map((one) => ({
          key: one.name,
          label: one.name,
          says: [one.says, one.formula].filter(Boolean).join(": "),
        })),
        chosen: lane?.rule ?? null,
      });
      const rule = setup.rules.find((one) => one.name === lane?.rule);
      turns.update(rule, lane ?? null, String(look.lane));
    },
    destroy() {
      turns.destroy();
    },
  };
}
