/** The bars on top: sample, target, rather than, rule and its parameters. */

import { paintRgb } from "../colour";
import { el } from "../dom";
import { compact, exactly } from "../figures";
import type { Figure, Parameter, Setup, State, Thumbs } from "../film";
import { choice, type Option } from "./choice";
import { classList, type Item } from "./class-list";
import { slider } from "./slider";

/** Chips before the list opens: enough to see what the network hesitates between. */
const CHIPS = 5;

export interface ControlsView {
  setup: Setup;
  thumbs: Thumbs | null;
  state: State;
  /** Scores of the sample shown, or none while no film of it has come. */
  scores: Figure[];
  /** The class explained: the state's, or the one that its null stands for. */
  aim: number | null;
}

export interface ControlsEvents {
  onAsk(change: Partial<State>): void;
}

export function classLabel(classes: string[] | null, index: number): string {
  return classes?.[index] ?? `output ${index}`;
}

export function controls({ onAsk }: ControlsEvents) {
  const samples = choice({
    label: "sample",
    class: "samples",
    onChoose: (key) => onAsk({ sample: Number(key), target: null, versus: null }),
  });
  const targets = choice({ label: "target", class: "chips", onChoose: aim });
  const others = classList({ label: "other targets", onChoose: aim });
  const versus = classList({
    label: "rather than",
    onChoose: (key) => onAsk({ versus: key === "" ? null : Number(key) }),
  });
  const rules = choice({ label: "rule", class: "segmented", onChoose: (key) => chooseRule(key) });
  const knobs = el("div", { class: "knobs" });
  const sampleBar = bar("sample", samples.node);
  const versusPart = el("span", { class: "pair" }, key("rather than"), versus.node);
  const targetBar = bar("target", targets.node, others.node, versusPart);
  const ruleBar = bar("rule", rules.node, knobs);
  const node = el("div", { class: "bbp-controls" }, sampleBar, targetBar, ruleBar);

  /** The parameters that each rule was last used with: coming back to a rule finds it as it was left. */
  const used = new Map<string, Record<string, Parameter>>();
  let view: ControlsView | null = null;
  let sliders: { name: string; part: ReturnType<typeof slider> }[] = [];
  let knobsOf = "";
  let pictures: { thumbs: Thumbs | null; canvases: (HTMLCanvasElement | undefined)[] } | null =
    null;

  function aim(index: string) {
    const target = Number(index);
    // A class rather than itself would be zero everywhere.
    onAsk(view?.state.versus === target ? { target, versus: null } : { target });
  }

  function chooseRule(name: string) {
    const rule = view?.setup.rules.find((one) => one.name === name);
    if (!rule || view?.state.rule === name) return;
    const standard = Object.fromEntries(rule.parameters.map((one) => [one.name, one.default]));
    onAsk({ rule: name, parameters: used.get(name) ?? standard });
  }

  function drawSamples({ setup, thumbs, state }: ControlsView) {
    sampleBar.hidden = setup.samples.length < 2;
    if (sampleBar.hidden) return;
    if (pictures?.thumbs !== thumbs || pictures.canvases.length !== setup.samples.length) {
      pictures = { thumbs, canvases: setup.samples.map((_, index) => thumbnail(thumbs, index)) };
    }
    const options = setup.samples.map(({ name, label }, index): Option => {
      const picture = pictures?.canvases[index];
      const says = label === null ? name : `${name}, ${label}`;
      return { key: String(index), label: name, says, ...(picture ? { picture } : {}) };
    });
    samples.update({ options, chosen: String(state.sample) });
  }

  function drawTargets({ setup, state, scores, aim: aimed }: ControlsView) {
    const order = [...scores.keys()].sort(
      (a, b) => (scores[b] ?? Number.NEGATIVE_INFINITY) - (scores[a] ?? Number.NEGATIVE_INFINITY),
    );
    const chips = order.slice(0, CHIPS);
    if (aimed !== null && !chips.includes(aimed) && scores.length > 0) chips[CHIPS - 1] = aimed;
    const item = (index: number) => ({
      key: String(index),
      label: classLabel(setup.classes, index),
      figure: compact(scores[index] ?? null, 4),
      value: exactly(scores[index] ?? null),
    });
    const chosen = aimed === null ? null : String(aimed);
    targets.update({ options: chips.map(item), chosen });
    const rest = order.length - chips.length;
    others.node.hidden = rest <= 0;
    const items: Item[] = order.map(item);
    others.update({ items, chosen, face: `… ${rest} more` });
    versusPart.hidden = order.length < 2;
    versus.update({
      items: [{ key: "", label: "nothing" }, ...items.filter((one) => one.key !== chosen)],
      chosen: state.versus === null ? "" : String(state.versus),
      face: state.versus === null ? "nothing" : classLabel(setup.classes, state.versus),
    });
  }

  function drawRules({ setup, state }: ControlsView) {
    ruleBar.hidden = setup.rules.length === 0;
    rules.update({
      options: setup.rules.map(({ name, says }) => ({ key: name, label: name, says })),
      chosen: state.rule,
    });
    const rule = setup.rules.find((one) => one.name === state.rule);
    const drawn = JSON.stringify(rule ?? null);
    if (drawn !== knobsOf) {
      knobsOf = drawn;
      for (const { part } of sliders) part.destroy();
      sliders = (rule?.parameters ?? []).map((parameter) => ({
        name: parameter.name,
        part: slider({
          parameter,
          onChange: (value) => {
            const parameters = view?.state.parameters ?? {};
            onAsk({ parameters: { ...parameters, [parameter.name]: value } });
          },
        }),
      }));
      knobs.replaceChildren(...sliders.map(({ part }) => part.node));
    }
    for (const { name, part } of sliders) {
      const standard = rule?.parameters.find((one) => one.name === name)?.default ?? 0;
      const value = state.parameters[name];
      part.update(typeof value === "number" ? value : standard);
    }
  }

  return {
    node,
    /** Press a rule by its place, as the number keys do. */
    rule(index: number) {
      const name = view?.setup.rules[index]?.name;
      if (name !== undefined) chooseRule(name);
    },
    update(next: ControlsView) {
      view = next;
      used.set(next.state.rule, next.state.parameters);
      drawSamples(next);
      drawTargets(next);
      drawRules(next);
    },
    destroy() {
      for (const { part } of sliders) part.destroy();
      others.destroy();
      versus.destroy();
    },
  };
}

function key(text: string): HTMLElement {
  return el("span", { class: "key" }, text);
}

function bar(name: string, ...children: Node[]): HTMLElement {
  return el(
    "div",
    { class: `bar ${name}-bar` },
    key(name),
    el("div", { class: "content" }, ...children),
  );
}

function thumbnail(thumbs: Thumbs | null, index: number): HTMLCanvasElement | undefined {
  const rgb = thumbs?.items[index];
  if (!thumbs || !rgb) return undefined;
  const canvas = el("canvas", { "aria-hidden": "true" });
  paintRgb(canvas, rgb, thumbs.height, thumbs.width);
  canvas.classList.toggle("crisp", thumbs.width <= 48);
  return canvas;
}
