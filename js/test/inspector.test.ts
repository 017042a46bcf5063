import { afterEach, describe, expect, test, vi } from "vitest";
import { SETUP } from "../dev/setup";
import { type InspectorView, inspector } from "../src/charts/inspector";
import type { UnitQuestion } from "../src/detail";
import type { Setup } from "../src/film";
import type { Look } from "../src/look";
import { find, press } from "./helpers";
import { LOOK, plainFilm, unitAnswer } from "./plain-film";

const UNIT = { frame: 2, at: [79, 16, 12] };

function open(change: Partial<InspectorView> = {}) {
  const onLook = vi.fn();
  const onAsk = vi.fn<(question: UnitQuestion) => void>();
  const say = vi.fn();
  const chart = inspector({ onLook, onAsk, say });
  document.body.append(chart.node);
  const answer = unitAnswer();
  let view: InspectorView = {
    film: plainFilm(),
    look: { ...LOOK, unit: UNIT },
    setup: SETUP as unknown as Setup,
    detail: () => ({ state: "here", answer }),
    kept: () => [],
    ...change,
  };
  const update = (next: Partial<InspectorView> = {}) => {
    view = { ...view, ...next };
    chart.update(view);
  };
  const look = (next: Partial<Look>) => update({ look: { ...view.look, ...next } });
  update();
  return { ...chart, update, look, onLook, onAsk, say, answer, film: view.film };
}

const rowsOf = (root: ParentNode, table: string) => [
  ...root.querySelectorAll<HTMLTableRowElement>(`table.${table} tbody tr`),
];
const value = (root: ParentNode, key: string) =>
  Number(find(root, `[data-key=${key}]`).dataset.value);
const text = (node: Element | undefined) => node?.textContent ?? "";
const settle = async () => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
};

describe("the inspector", () => {
  test("shows what came, what is its own, and what is shared on", () => {
    const { node, answer } = open();
    expect(find(node, "h4").textContent).toContain("Unit ch 79, (16, 12)");
    const comes = rowsOf(node, "comes");
    expect(text(comes[0])).toContain("ch 40");
    expect(comes.map((row) => row.className)).toEqual(["", "", "", "other", "own", "sum mass"]);
    expect(text(comes[3])).toContain("the other 6");
    const parts = comes.slice(0, 5).map((row) => {
      const figures = row.querySelectorAll<HTMLElement>("[data-value]");
      return Number(figures[figures.length - 1]?.dataset.value);
    });
    const sum = parts.reduce((total, one) => total + one, 0);
    expect(sum).toBeCloseTo(answer.mass ?? 0, 12);
    expect(value(find(node, ".comes"), "mass")).toBe(answer.mass);
    const gives = rowsOf(node, "gives");
    expect(gives).toHaveLength(8);
    expect(text(gives[6])).toContain("the other 282 inputs");
    expect(text(gives[7])).toContain("100 %");
    expect(text(gives[7])).toContain("554.4");
    expect(find(node, ".gives thead").textContent).toContain("×10⁻⁶");
  });

  test("adds the terms that are folded to the others", () => {
    const { node, answer } = open();
    const before = value(find(node, ".gives"), "other");
    const folded = answer.gives.terms.slice(6).reduce((sum, term) => sum + (term.mass ?? 0), 0);
    expect(before).toBeCloseTo((answer.gives.rest_mass ?? 0) + folded, 15);
    find(node, ".more").click();
    expect(rowsOf(node, "gives")).toHaveLength(11);
    expect(value(find(node, ".gives"), "other")).toBe(answer.gives.rest_mass);
    expect(text(rowsOf(node, "gives")[9])).toContain("the other 279 inputs");
  });

  test("goes to a term's unit and back", () => {
    const { node, look, onLook } = open();
    find(node, ".gives button.term").click();
    const unit = { frame: 3, at: [15, 16, 12] };
    expect(onLook).toHaveBeenLastCalledWith(expect.objectContaining({ unit, step: 3 }));
    look({ unit, step: 3 });
    const back = find(node, ".back");
    expect(back.hidden).toBe(false);
    back.click();
    expect(onLook).toHaveBeenLastCalledWith(expect.objectContaining({ unit: UNIT, step: 2 }));
    look({ unit: UNIT, step: 2 });
    expect(back.hidden).toBe(true);
  });

  test("turns to the page that the unit's channel is on", () => {
    const { node, look, onLook } = open();
    look({ sort: "index", page: 1 });
    find(node, ".gives button.term").click();
    const { page, sort } = onLook.mock.lastCall?.[0] ?? {};
    expect(page).toBe(0); // channel 15 is one of the first 24
    expect(sort ?? "index").toBe("index");
  });

  test("forgets the way back when another unit is chosen elsewhere", () => {
    const { node, look } = open();
    find(node, ".gives button.term").click();
    look({ unit: { frame: 3, at: [15, 16, 12] }, step: 3 });
    look({ unit: { frame: 3, at: [0, 0, 0] } });
    expect(find(node, ".back").hidden).toBe(true);
  });

  test("tells what is not finite or unshared as it is", () => {
    const base = unitAnswer();
    const answer = unitAnswer({
      mass: null,
      unshared: 0.25,
      gives: { ...base.gives, rest_mass: null },
    });
    const { node } = open({ detail: () => ({ state: "here", answer }) });
    expect(text(find(node, ".comes .sum"))).toContain("not finite");
    expect(text(find(node, ".gives .other"))).toContain("not finite");
    expect(find(node, "[data-key=unshared]").dataset.value).toBe("0.25");
  });

  test("asks once, holds still, then shows and says it", () => {
    const chart = open({ detail: () => null });
    const question = { kind: "unit", film: chart.film.key, frame: 2, unit: [79, 16, 12] };
    expect(chart.onAsk.mock.calls).toEqual([[question]]);
    chart.update();
    expect(chart.onAsk).toHaveBeenCalledTimes(1);
    chart.update({ detail: () => ({ state: "asked" }) });
    expect(find(chart.node, ".words").textContent).toContain("Asking the kernel");
    chart.update({ detail: () => ({ state: "here", answer: chart.answer }) });
    expect(find(chart.node, ".state").hidden).toBe(true);
    expect(chart.say).toHaveBeenCalledWith("ch 79, (16, 12): mass 0.000554");
  });

  test("asks anew when a lost answer may be asked for again", () => {
    const chart = open({ detail: () => null });
    chart.update({ detail: () => ({ state: "offline" }) });
    expect(find(chart.node, ".words").textContent).toContain("it takes a kernel");
    chart.update({ detail: () => null });
    expect(chart.onAsk).toHaveBeenCalledTimes(2);
  });

  test("without a kernel offers a unit of the step whose equation is kept", () => {
    const film = plainFilm();
    const kept = { kind: "unit", film: film.key, frame: 2, unit: [79, 16, 12] } as const;
    const chart = open({
      film,
      look: { ...LOOK, unit: { frame: 2, at: [3, 4, 5] } },
      detail: () => ({ state: "offline" }),
      kept: (key) => (key === film.key ? [{ ...kept, unit: [...kept.unit] }] : []),
    });
    const offer = find(chart.node, ".offer");
    expect(offer.textContent).toBe("show ch 79, (16, 12), which is kept");
    offer.click();
    expect(chart.onLook.mock.lastCall?.[0]).toMatchObject({ unit: UNIT, step: 2 });
    chart.update({ kept: () => [] });
    expect(offer.hidden).toBe(true);
  });

  test("shows why there is none, and asks again when told to", () => {
    const chart = open({
      detail: () => ({
        state: "failed",
        title: "KeyError",
        message: "<img src=x onerror=alert(1)>",
      }),
    });
    expect(find(chart.node, ".words").textContent).toBe("KeyError: <img src=x onerror=alert(1)>");
    expect(chart.node.querySelector("img")).toBeNull();
    find(chart.node, ".state button").click();
    expect(chart.onAsk).toHaveBeenCalledTimes(1);
  });

  test("says how to select, and when a unit is not in this film", () => {
    const chart = open();
    chart.look({ unit: null });
    expect(find(chart.node, ".words").textContent).toContain("Select a unit");
    expect(find(chart.node, ".body-of-unit").hidden).toBe(true);
    chart.look({ unit: { frame: 2, at: [128, 0, 0] } });
    expect(find(chart.node, ".words").textContent).toContain("not in this film");
    chart.look({ unit: { frame: 40, at: [0] } });
    expect(find(chart.node, ".words").textContent).toContain("not in this film");
    expect(chart.onAsk).not.toHaveBeenCalled();
    chart.look({ unit: UNIT });
    expect(find(chart.node, ".body-of-unit").hidden).toBe(false);
    find(chart.node, ".clear").click();
    expect(chart.onLook).toHaveBeenLastCalledWith({ unit: null });
  });

  test("draws nothing anew while stepping", () => {
    const chart = open();
    const [row] = rowsOf(chart.node, "gives");
    chart.look({ step: 3 });
    expect(rowsOf(chart.node, "gives")[0]).toBe(row);
  });

  test("has tabs that the keys go through", () => {
    const { node, answer } = open();
    const tabs = [...node.querySelectorAll<HTMLElement>("[role=tab]")];
    expect(tabs.map((tab) => tab.getAttribute("aria-selected"))).toEqual([
      "true",
      "false",
      "false",
    ]);
    press(tabs[0] ?? node, "ArrowLeft");
    expect(tabs[2]?.getAttribute("aria-selected")).toBe("true");
    expect(find(node, "pre").textContent).toBe(answer.python);
    const panel = document.getElementById(tabs[2]?.getAttribute("aria-controls") ?? "");
    expect(panel?.hidden).toBe(false);
    expect(panel?.contains(find(node, "pre"))).toBe(true);
  });

  test("puts the largest term into the formula", () => {
    const { node, answer } = open();
    const formula = text(find(node, ".formula"));
    expect(formula).toContain("φ = |s|power");
    expect(find(node, ".formula sup").textContent).toBe("power");
    const figures = [...find(node, ".formula").querySelectorAll<HTMLElement>("[data-value]")];
    const values = figures.map((figure) => figure.dataset.value);
    const [term] = answer.gives.terms;
    for (const one of [term?.weight, term?.value, term?.strength, term?.share, term?.mass]) {
      expect(values).toContain(String(one));
    }
  });

  test("has words where no rule decides, and at the input", () => {
    const chart = open({
      detail: () => ({ state: "here", answer: unitAnswer({ formula: "", rule: "" }) }),
    });
    expect(text(find(chart.node, ".formula"))).toContain("No rule decides here");
    const gives = { terms: [], count: 0, rest_share: 0, rest_mass: 0 };
    chart.update({ detail: () => ({ state: "here", answer: unitAnswer({ gives }) }) });
    expect(find(chart.node, "table.gives").hidden).toBe(true);
    expect(text(find(chart.node, ".equation"))).toContain("This is the input");
  });

  test("names the classes at the output and does not read them as HTML", () => {
    const classes = ["<img src=x onerror=alert(1)>"];
    const base = unitAnswer();
    const come = { frame: 0, at: [0], name: "output", share: 1, mass: 1, part: 1 };
    const answer = { ...base, comes: { terms: [come], count: 1, rest_part: 0 } };
    const setup = { ...SETUP, classes } as unknown as Setup;
    const { node } = open({ setup, detail: () => ({ state: "here", answer }) });
    expect(text(rowsOf(node, "comes")[0])).toContain(classes[0]);
    expect(node.querySelector("img")).toBeNull();
  });

  test("has a plain row for a unit that is not in the film", () => {
    const base = unitAnswer();
    const far = { ...base.gives.terms[0], frame: 99, name: "elsewhere" };
    const gives = { ...base.gives, terms: [far, ...base.gives.terms] as typeof base.gives.terms };
    const { node } = open({ detail: () => ({ state: "here", answer: { ...base, gives } }) });
    const [first, second] = rowsOf(node, "gives");
    expect(first?.querySelector("button")).toBeNull();
    expect(text(first)).toContain("elsewhere (15, 16, 12)");
    expect(text(second)).toContain("3.squeeze ch 15, (16, 12)");
  });
});

describe("copying", () => {
  afterEach(() => {
    Reflect.deleteProperty(navigator, "clipboard");
  });

  const copyOf = (root: ParentNode, what: string) =>
    find(root, `[aria-label='copy ${what}']`).click();

  test("puts the text on the clipboard and says so", async () => {
    const writeText = vi.fn(() => Promise.resolve());
    Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
    const { node, say, answer } = open();
    copyOf(node, "the equation as CSV");
    copyOf(node, "the equation as LaTeX");
    copyOf(node, "the Python");
    await settle();
    const texts = writeText.mock.calls.map((call) => (call as unknown as string[])[0]);
    expect(texts[0]).toContain("direction,frame");
    expect(texts[1]).toContain("\\begin{tabular}");
    expect(texts[2]).toBe(answer.python);
    expect(say).toHaveBeenCalledWith("copied the equation as CSV");
  });

  test("lays the text out to be copied by hand where there is no clipboard", async () => {
    const { node, say } = open();
    copyOf(node, "the equation as CSV");
    await settle();
    const field = find<HTMLTextAreaElement>(node, "textarea");
    expect(field.value).toContain("direction,frame");
    expect(field.selectionEnd).toBe(field.value.length);
    expect(say).toHaveBeenCalledTimes(1);
    press(field, "Escape");
    expect(find(node, ".bbp-copy").hidden).toBe(true);
  });
});
