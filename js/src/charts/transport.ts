/** The buttons stand as the rail runs: toward the input on the left, back to the output on the right. */

import { button, el, svg } from "../dom";
import { compact } from "../figures";

const ICONS = {
  input: "M2 2V12H3.5V2ZM12 2V12L5 7Z",
  toward: "M10.5 2V12L3.5 7Z",
  back: "M3.5 2V12L10.5 7Z",
  output: "M12 2V12H10.5V2ZM2 2V12L9 7Z",
};

export interface TransportEvents {
  onInput(): void;
  onOutput(): void;
  onToward(): void;
  onBack(): void;
  onPlay(): void;
}

export function transport({ onInput, onOutput, onToward, onBack, onPlay }: TransportEvents) {
  const input = press("Go to the input", ICONS.input, onInput);
  const toward = press("Step toward the input", ICONS.toward, onToward);
  const face = el("span");
  const play = button({ class: "play" }, onPlay, face);
  const back = press("Step back toward the output", ICONS.back, onBack);
  const output = press("Go to the output", ICONS.output, onOutput);
  const pace = el("span", { class: "soft pace", title: "faster with ], slower with [" });
  const node = el(
    "div",
    { class: "bbp-transport", role: "group", "aria-label": "Walk along the rail" },
    pace,
    el("span", { class: "seg" }, input, toward, play, back, output),
  );

  return {
    node,
    update(view: { step: number; count: number; playing: boolean; speed: number }) {
      const { step, count, playing, speed } = view;
      face.textContent = playing ? "pause" : "play";
      play.setAttribute("aria-label", playing ? "Pause" : "Play toward the input");
      play.title = play.getAttribute("aria-label") ?? "";
      play.classList.toggle("on", playing);
      pace.textContent = `${compact(speed, 2)} stops/s`;
      input.disabled = toward.disabled = step >= count - 1;
      back.disabled = step <= 0;
      output.disabled = step <= 0;
      play.disabled = count < 2;
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
