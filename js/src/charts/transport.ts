/** The buttons stand as the rail runs: toward the input on the left, back to the output on the right. */

import { button, el, svg } from "../dom";
import { compact } from "../figures";
import { LEVELS, type Level } from "../film";
import type { OnLook } from "../look";
import { choice } from "./choice";

const ICONS = {
  input: "M2 2V12H3.5V2ZM12 2V12L5 7Z",
  toward: "M10.5 2V12L3.5 7Z",
  back: "M3.5 2V12L10.5 7Z",
  output: "M12 2V12H10.5V2ZM2 2V12L9 7Z",
};

const SAYS: Record<Level, string> = {
  blocks: "one stop for each top-level module",
  layers: "a stop where a step adds bias or shares it by rule",
  ops: "a stop for every step of the ledger",
};

export interface TransportEvents {
  onInput(): void;
  onOutput(): void;
  onToward(): void;
  onBack(): void;
  onPlay(): void;
  onLook: OnLook;
}

export interface TransportView {
  /** The stop, and how many there are. */
  step: number;
  count: number;
  playing: boolean;
  speed: number;
  level: Level;
}

export function transport(events: TransportEvents) {
  const { onInput, onOutput, onToward, onBack, onPlay, onLook } = events;
  const input = press("Go to the input", ICONS.input, onInput);
  const toward = press("Step toward the input", ICONS.toward, onToward);
  const face = el("span");
  const play = button({ class: "play" }, onPlay, face);
  const back = press("Step back toward the output", ICONS.back, onBack);
  const output = press("Go to the output", ICONS.output, onOutput);
  const pace = el("span", { class: "soft pace", title: "faster with ], slower with [" });
  const levels = choice({
    label: "granularity",
    class: "segmented",
    onChoose: (key) => onLook({ level: key as Level }),
  });
  const node = el(
    "div",
    { class: "bbp-transport" },
    el(
      "span",
      { class: "walk", role: "group", "aria-label": "Walk along the rail" },
      pace,
      el("span", { class: "seg" }, input, toward, play, back, output),
    ),
    el("span", { class: "level" }, el("span", { class: "key" }, "stop at"), levels.node),
  );

  return {
    node,
    update({ step, count, playing, speed, level }: TransportView) {
      face.textContent = playing ? "pause" : "play";
      play.setAttribute("aria-label", playing ? "Pause" : "Play toward the input");
      play.title = play.getAttribute("aria-label") ?? "";
      play.classList.toggle("on", playing);
      pace.textContent = `${compact(speed, 2)} stops/s`;
      input.disabled = toward.disabled = step >= count - 1;
      back.disabled = output.disabled = step <= 0;
      play.disabled = count < 2;
      levels.update({
        options: LEVELS.map((key) => ({ key, label: key, says: SAYS[key] })),
        chosen: level,
      });
    },
  };
}

function press(label: string, path: string, onPress: () => void): HTMLButtonElement {
  const icon = svg(
    "svg",
    { viewBox: "0 0 14 14", "aria-hidden": "true" },
    svg("path", { d: path }),
  );
  return button({ "aria-label": label, title: label }, onPress, icon);
}
