/** One parameter of a rule: the figure follows the thumb at once, the answer is asked for when it pauses. */

import { el } from "../dom";
import { compact } from "../figures";
import type { RuleParameter } from "../film";

const TICKS = 240;
const PAUSE_MS = 120;

export function toPosition(parameter: RuleParameter, value: number): number {
  const { min, max, scale } = parameter;
  const part =
    scale === "log" ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min);
  return Math.round(Math.min(1, Math.max(0, part)) * TICKS);
}

/** Three digits: the figure that is printed is the value that is used. */
export function toValue(parameter: RuleParameter, position: number): number {
  const { min, max, scale } = parameter;
  const part = position / TICKS;
  const value = scale === "log" ? min * (max / min) ** part : min + (max - min) * part;
  return Number(value.toPrecision(3));
}

export interface SliderEvents {
  parameter: RuleParameter;
  onChange(value: number): void;
}

export function slider({ parameter, onChange }: SliderEvents) {
  const input = el("input", {
    type: "range",
    min: 0,
    max: TICKS,
    step: 1,
    "aria-label": parameter.label,
    title: `double click: back to ${compact(parameter.default)}`,
  });
  const figure = el("output", { class: "figure" });
  const node = el(
    "label",
    { class: "bbp-slider" },
    el("span", { class: "key" }, parameter.label),
    input,
    figure,
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiting: number | null = null;

  function show(value: number) {
    figure.textContent = compact(value);
    input.setAttribute("aria-valuetext", compact(value));
  }

  function ask(value: number, pause: number) {
    show(value);
    waiting = value;
    clearTimeout(timer);
    timer = setTimeout(() => {
      waiting = null;
      onChange(value);
    }, pause);
  }

  input.addEventListener("input", () => ask(toValue(parameter, Number(input.value)), PAUSE_MS));
  input.addEventListener("dblclick", () => {
    input.value = String(toPosition(parameter, parameter.default));
    ask(parameter.default, 0);
  });

  return {
    node,
    /** Follow a value from elsewhere, unless the hand is on the thumb. */
    update(value: number) {
      if (waiting !== null) return;
      input.value = String(toPosition(parameter, value));
      show(value);
    },
    destroy() {
      clearTimeout(timer);
    },
  };
}
