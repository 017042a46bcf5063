/** The bars on top: sample, target, rather than, lanes, rule and its parameters, plan. */

import { el } from "../dom";
import type { Film, Setup, Thumbs } from "../film";
import type { Look, OnLook } from "../look";
import { lanes } from "./lanes";
import { plan } from "./plan";
import { samples } from "./samples";
import { targets } from "./targets";
import { upload } from "./upload";

export { classLabel } from "./targets";

export interface ControlsView {
  setup: Setup;
  thumbs: Thumbs | null;
  look: Look;
  /** The film that is seen: of the active lane, or the last one while that is on its way. */
  film: Film | null;
  /** Of each lane; null where there is none yet. */
  films: (Film | null)[];
  /** The class explained: the look's, or the one that its null stands for. */
  aim: number | null;
  /** Lanes being computed. */
  working: number[];
}

export interface ControlsEvents {
  onLook: OnLook;
  onUpload(file: File): void;
}

export function controls({ onLook, onUpload }: ControlsEvents) {
  const inputs = samples({ onLook });
  const own = upload({ onUpload });
  const aims = targets({ onLook });
  const ways = lanes({ onLook });
  const exceptions = plan({ onLook });
  const sampleBar = bar("sample", ...inputs.nodes, ...own.nodes);
  const targetBar = bar("target", ...aims.nodes);
  const laneBar = bar("lanes", ...ways.laneNodes);
  const ruleBar = bar("rule", ...ways.ruleNodes, ways.add);
  const planBar = bar("plan", exceptions.node);
  const node = el(
    "div",
    { class: "bbp-controls" },
    sampleBar,
    targetBar,
    laneBar,
    ruleBar,
    planBar,
  );

  return {
    node,
    /** Press a rule of the active lane by its place, as the number keys do. */
    rule(index: number) {
      ways.rule(index);
    },
    update({ setup, thumbs, look, film, films, aim, working }: ControlsView) {
      sampleBar.hidden = setup.samples.length < 2 && !setup.uploads;
      inputs.update({ setup, thumbs, sample: look.sample });
      own.update(setup.uploads);
      // While another sample is on its way the chips of the one that is seen stay.
      const scores = film?.scores ?? NONE;
      targetBar.hidden = scores.length === 0;
      aims.update({ classes: setup.classes, scores, aim, versus: look.versus });
      const alone = look.lanes.length < 2;
      laneBar.hidden = alone;
      ruleBar.hidden = setup.rules.length === 0;
      // With lanes to be seen, another one is added beside them.
      const home = alone ? ruleBar : laneBar;
      if (ways.add.closest(".bar") !== home) {
        const after = alone ? null : ways.laneNodes[1];
        home.lastElementChild?.insertBefore(ways.add, after ?? null);
      }
      ways.update({ setup, look, films, working });
      exceptions.update({ setup, look, film });
      planBar.hidden = !exceptions.filled;
    },
    destroy() {
      for (const part of [own, aims, ways, exceptions]) part.destroy();
    },
  };
}

const NONE: Film["scores"] = [];

function bar(name: string, ...children: Node[]): HTMLElement {
  return el(
    "div",
    { class: `bar ${name}-bar` },
    el("span", { class: "key" }, name),
    el("div", { class: "content" }, ...children),
  );
}
