/** What is explained: the classes by score, all of them behind a search, and a second one to tell it from. */

import { button, el } from "../dom";
import { decimalsFor, exactly, fixed } from "../figures";
import type { Figure } from "../film";
import type { OnLook } from "../look";
import { choice } from "./choice";
import { classList, type Item } from "./class-list";

/** Chips before the list opens: enough to see what the network hesitates between. */
const CHIPS = 5;
/** Digits of the largest score. */
const DIGITS = 4;

export interface TargetsView {
  classes: string[] | null;
  /** Scores of the sample shown, or none while no film of it has come. */
  scores: Figure[];
  /** The class explained: the look's, or the one that its null stands for. */
  aim: number | null;
  versus: number | null;
}

export function classLabel(classes: string[] | null, index: number): string {
  return classes?.[index] ?? `output ${index}`;
}

export function targets({ onLook }: { onLook: OnLook }) {
  const chips = choice({ label: "target", class: "chips", onChoose: press });
  const others = classList({ label: "other targets", onChoose: press });
  const versus = classList({
    label: "rather than",
    onChoose: (key) => onLook({ versus: key === "" ? null : Number(key) }),
  });
  const clear = button(
    { class: "clear", "aria-label": "rather than nothing", title: "rather than nothing" },
    () => onLook({ versus: null }),
    "×",
  );
  const pair = el(
    "span",
    { class: "pair" },
    el("span", { class: "key" }, "rather than"),
    el("span", { class: "clearable" }, versus.node, clear),
  );
  const nodes = [chips.node, others.node, pair];
  let view: TargetsView | null = null;
  /** A thousand classes are sorted when their scores change, not at every step. */
  let sorted: { scores: Figure[]; classes: string[] | null; items: Item[] } | null = null;
  let drawn = "";

  function press(key: string, second: boolean) {
    const index = Number(key);
    if (second) {
      if (index === view?.aim) return;
      onLook({ versus: view?.versus === index ? null : index });
      return;
    }
    // A class rather than itself would be zero everywhere.
    onLook(view?.versus === index ? { target: index, versus: null } : { target: index });
  }

  function itemsOf({ scores, classes }: TargetsView): Item[] {
    if (sorted?.scores === scores && sorted.classes === classes) return sorted.items;
    const order = [...scores.keys()].sort(
      (a, b) => (scores[b] ?? Number.NEGATIVE_INFINITY) - (scores[a] ?? Number.NEGATIVE_INFINITY),
    );
    const known = scores.map((score) => (score !== null && Number.isFinite(score) ? score : null));
    // One column of figures, here as where the bias fades in: 0.004052 under 0.3108 reads as the larger one.
    const decimals = decimalsFor(known, DIGITS);
    const items = order.map((index) => ({
      key: String(index),
      label: classLabel(classes, index),
      figure: fixed(scores[index] ?? null, decimals),
      value: exactly(scores[index] ?? null),
    }));
    sorted = { scores, classes, items };
    drawn = "";
    return items;
  }

  return {
    nodes,
    update(next: TargetsView) {
      view = next;
      const items = itemsOf(next);
      const asked = `${next.aim} ${next.versus}`;
      if (asked === drawn) return;
      drawn = asked;
      const chosen = next.aim === null ? null : String(next.aim);
      const against = next.versus === null ? "" : String(next.versus);
      const shown = items.slice(0, CHIPS);
      const missing = items.find(({ key }) => key === chosen);
      if (missing && !shown.includes(missing)) shown[CHIPS - 1] = missing;
      const says = "with shift: the target rather than this one";
      const options = shown.map((item) =>
        item.key === against
          ? { ...item, mark: "rather than", says: "with shift: rather than nothing" }
          : { ...item, says },
      );
      chips.update({ options, chosen });
      const rest = items.length - shown.length;
      others.node.hidden = rest <= 0;
      others.update({ items, chosen, face: `… ${rest} more` });
      pair.hidden = items.length < 2;
      clear.hidden = next.versus === null;
      versus.update({
        items: [{ key: "", label: "nothing" }, ...items.filter(({ key }) => key !== chosen)],
        chosen: against,
        face: next.versus === null ? "nothing" : classLabel(next.classes, next.versus),
      });
    },
    destroy() {
      others.destroy();
      versus.destroy();
    },
  };
}
