/** The row under the pictures: how they are drawn, and in which unit, or at which place, they are read. */

import { button, el } from "../dom";
import {
  CHANNELS,
  type Channels,
  GRAINS,
  type Grain,
  type Look,
  type OnLook,
  SCALES,
  type Scale,
} from "../look";
import { choice } from "./choice";

export interface ToolsView {
  look: Look;
  /** Whether there are pixels, positions, and channels that are told apart. */
  pixels: boolean;
  positions: boolean;
  channels: boolean;
  /** Whether there is a picture that attributions can lie over. */
  under: boolean;
  unit: string;
}

export interface ToolsEvents {
  onLook: OnLook;
  /** The attributions lie over the input as well. */
  onLay(laid: boolean): void;
}

const CHANNELS_SAY: Record<Channels, string> = {
  apart: "a lane for each channel",
  summed: "exact sums over the channels",
};

const SCALE_SAYS: Record<Scale, string> = {
  each: "Each picture at full colour by itself, and the lanes of rules together. The mass over the input by its own step.",
  shared: "One scale for all pictures. The mass over the input by its own step.",
  step: "A scale that stays put. Bias and total at the largest seen for this input and target, whatever the rule; the mass over the input, by area, at the largest of all steps.",
};

export function galleryTools({ onLook, onLay }: ToolsEvents) {
  const scale = choice({
    label: "scale",
    class: "segmented small",
    onChoose: (key) => onLook({ scale: key as Scale }),
  });
  const grain = choice({
    label: "grain",
    class: "segmented small",
    onChoose: (key) => onLook({ grain: Number(key) as Grain }),
  });
  const channels = choice({
    label: "channels",
    class: "segmented small",
    onChoose: (key) => onLook({ channels: key as Channels }),
  });
  const unit = el("span");
  const reading = el("span", { class: "reading" });
  const units = el("span", { class: "soft unit" }, unit, reading);
  const blend = el("input", {
    type: "range",
    min: 0,
    max: 100,
    "aria-label": "how much of the mass lies over the input",
  });
  const over = el(
    "label",
    { class: "bbp-slider" },
    el("span", { class: "key" }, "over input"),
    blend,
  );
  const lay = button(
    {
      class: "toggle small",
      "aria-pressed": "false",
      title: "Lay the attributions over the input as well",
    },
    () => {
      laid = !laid;
      lay.setAttribute("aria-pressed", String(laid));
      onLay(laid);
    },
    "maps too",
  );
  const overKey = el("span", { class: "pair" }, over, lay);
  const grainKey = pair("grain", grain.node);
  const channelsKey = pair("channels", channels.node);
  const scaleKey = pair("scale", scale.node);
  const node = el("div", { class: "tools" }, overKey, scaleKey, grainKey, channelsKey, units);
  let laid = false;

  blend.addEventListener("input", () => onLook({ overlay: Number(blend.value) / 100 }, true));
  blend.addEventListener("change", () => onLook({ overlay: Number(blend.value) / 100 }));

  return {
    node,
    update(view: ToolsView) {
      const { look, pixels, positions } = view;
      const text = String(Math.round(look.overlay * 100));
      if (blend.value !== text) blend.value = text;
      overKey.hidden = grainKey.hidden = !pixels && !positions;
      channelsKey.hidden = !view.channels;
      lay.hidden = !view.under;
      scale.update({
        options: SCALES.map((key) => ({ key, label: key, says: SCALE_SAYS[key] })),
        chosen: look.scale,
      });
      grain.update({
        options: GRAINS.map((one) => ({
          key: String(one),
          label: one === 1 && !positions ? "1 px" : String(one),
          says: grainSays(one, view),
        })),
        chosen: String(look.grain),
      });
      channels.update({
        options: CHANNELS.map((key) => ({ key, label: key, says: CHANNELS_SAY[key] })),
        chosen: look.channels,
      });
      unit.textContent = view.unit;
    },
    /** What is read, in place of the unit. */
    read(text: string) {
      reading.textContent = text;
      // The unit keeps its room while a place stands there, so that the row does not break anew.
      unit.classList.toggle("covered", text !== "");
    },
  };
}

function grainSays(grain: Grain, { pixels, positions }: ToolsView): string {
  if (grain === 1)
    return positions ? (pixels ? "every pixel and position" : "every position") : "every pixel";
  if (!positions) return `exact sums over blocks of ${grain} × ${grain} px`;
  return `exact sums over ${pixels ? `blocks of ${grain} × ${grain} px and ` : ""}${grain} positions`;
}

function pair(key: string, control: HTMLElement): HTMLElement {
  return el("span", { class: "pair" }, el("span", { class: "key" }, key), control);
}
