import { describe, expect, test, vi } from "vitest";
import { SETUP } from "../dev/setup";
import { makeThumbs } from "../dev/synthetic";
import { controls } from "../src/charts/controls";
import { withoutLane } from "../src/charts/lanes";
import { planKeys } from "../src/charts/plan";
import { refusal } from "../src/charts/upload";
import type { Film, Setup, Thumbs } from "../src/film";
import type { Look } from "../src/look";
import { decodeThumbs } from "../src/wire";
import { filmOf, look, residual } from "./films";
import { choose, chosen, find, press } from "./helpers";

const setup = SETUP as unknown as Setup;

function open(change: Partial<Look> = {}, more: Partial<Setup> = {}, film?: Film) {
  const shownFilm =
    film ?? filmOf(residual(), { scores: setup.classes?.map((_, index) => 12 - index) ?? [] });
  const onLook = vi.fn();
  const onUpload = vi.fn();
  const chart = controls({ onLook, onUpload });
  const root = document.createElement("div");
  root.className = "bbp";
  root.append(chart.node);
  document.body.append(root);
  let shown = look({ target: 0, ...change });
  let working: number[] = [];
  let thumbs = decodeThumbs(makeThumbs(7));
  const show = () =>
    chart.update({
      setup: { ...setup, ...more },
      thumbs,
      look: shown,
      film: shownFilm,
      films: shown.lanes.map((_, index) => (index === 0 ? shownFilm : null)),
      aim: shown.target,
      working,
    });
  onLook.mockImplementation((by: Partial<Look>) => {
    shown = { ...shown, ...by };
    show();
  });
  show();
  const draw = (next: Thumbs) => {
    thumbs = next;
    show();
  };
  const work = (lanes: number[]) => {
    working = lanes;
    show();
  };
  return { chart, root, onLook, onUpload, work, draw, look: () => shown };
}

function click(node: Element, more: MouseEventInit = {}) {
  node.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ...more }));
}

const chip = (root: ParentNode, key: string) =>
  find(root, `[role=radiogroup][aria-label=target] [data-key="${key}"]`);

describe("targets", () => {
  test("a press explains a class, with shift it is what the target is held against", () => {
    const { root, onLook, look: now } = open();
    click(chip(root, "2"));
    expect(onLook.mock.lastCall).toEqual([{ target: 2 }]);
    click(chip(root, "1"), { shiftKey: true });
    expect(now()).toMatchObject({ target: 2, versus: 1 });
    expect(chip(root, "1").textContent).toContain("rather than");
    press(chip(root, "1"), "Enter", { shiftKey: true });
    expect(now().versus).toBeNull();
    click(chip(root, "2"), { shiftKey: true });
    expect(now().versus).toBeNull();
  });

  test("explaining the class that was held against clears it", () => {
    const { root, look: now } = open({ versus: 1 });
    expect(find(root, ".clear").hidden).toBe(false);
    click(chip(root, "1"));
    expect(now()).toMatchObject({ target: 1, versus: null });
  });

  test("the cross clears what is told apart", () => {
    const { root, onLook } = open({ versus: 4 });
    click(find(root, ".clear"));
    expect(onLook.mock.lastCall?.[0]).toEqual({ versus: null });
    expect(find(root, ".clear").hidden).toBe(true);
  });

  test("a thousand classes are searched, sixty shown, the rest said", () => {
    const classes = Array.from({ length: 1000 }, (_, index) => `class number ${index}`);
    const film = filmOf(residual(), { scores: classes.map((_, index) => (index * 7) % 1000) });
    const { root, look: now } = open({}, { classes }, film);
    const opener = find(root, "[aria-label^='other targets']");
    expect(opener.textContent).toBe("… 995 more");
    opener.click();
    const search = find<HTMLInputElement>(root, "[aria-label='other targets: search']");
    const options = () => [...find(root, "[aria-label='other targets']").children];
    expect(options()).toHaveLength(60);
    search.value = "number 77";
    search.dispatchEvent(new Event("input", { bubbles: true }));
    expect(options()).toHaveLength(19);
    press(search, "ArrowDown");
    expect(search.getAttribute("aria-activedescendant")).toBe(options()[1]?.id);
    const wanted = options()[1]?.textContent ?? "";
    press(search, "Enter", { shiftKey: true });
    expect(now().versus).not.toBeNull();
    expect(wanted).toContain(classes[now().versus ?? 0]);
    expect(document.activeElement).toBe(opener);
    opener.click();
    press(search, "Escape");
    expect(find(root, ".bbp-list .panel").hidden).toBe(true);
  });

  test("a label is text", () => {
    const classes = ["<img src=x onerror=alert(1)>", "b", "c"];
    const { root } = open({ versus: 0, target: 1 }, { classes, samples: [] }, filmOf(residual()));
    expect(root.querySelector("img")).toBeNull();
    expect(chip(root, "0").textContent).toContain("<img src=x");
  });

  test("stepping does not touch the chips", () => {
    const { root, onLook } = open();
    const before = chip(root, "1");
    onLook({ step: 9 });
    expect(chip(root, "1")).toBe(before);
  });
});

describe("samples", () => {
  test("a press asks for another, with its own best class", () => {
    const { root, onLook } = open({ versus: 3 });
    choose(root, "sample", "4");
    expect(onLook.mock.lastCall).toEqual([{ sample: 4, target: null, versus: null }]);
    expect(chosen(root, "sample")).toBe("4");
  });

  test("signals are drawn, lane below lane, and those drawn later take the place of names", () => {
    const samples = ["calm", "odd"].map((name) => ({ name, label: null }));
    const none = { height: 1, width: 1, items: [null, null], traces: [null, null] };
    const { root, draw } = open({}, { samples });
    draw(none);
    expect(root.querySelectorAll(".samples .trace")).toHaveLength(0);
    // lane 0: 0 to 255, then 51; lane 1: a gap, then 255
    const ends = Uint8Array.from([0, 51, 255, 51, 255, 255, 0, 255]);
    draw({ ...none, traces: [{ lanes: 2, width: 2, ends }, null] });
    const [drawn, plain] = root.querySelectorAll(".samples button");
    const lines = [...(drawn?.querySelectorAll(".trace path") ?? [])];
    expect(lines.map((line) => line.getAttribute("d"))).toEqual([
      "M0.5,2.0V14.0M1.5,11.6V11.6",
      "M1.5,18.0V18.0",
    ]);
    expect(drawn?.getAttribute("title")).toBe("calm");
    expect(plain?.textContent).toBe("odd");
  });

  test("many of them say which one it is", () => {
    const samples = Array.from({ length: 40 }, (_, index) => ({ name: `${index}`, label: null }));
    const { root } = open({ sample: 8 }, { samples });
    expect(find(root, ".place").textContent).toBe("9 of 40");
  });
});

describe("uploads", () => {
  const file = (name: string, type: string, size = 10) => {
    const made = new File(["x"], name, { type });
    Object.defineProperty(made, "size", { value: size });
    return made;
  };

  function drop(root: Element, files: File[], kind = "drop") {
    const event = new Event(kind, { bubbles: true, cancelable: true });
    Object.assign(event, { dataTransfer: { types: ["Files"], files } });
    root.dispatchEvent(event);
    return event;
  }

  test("what is refused, in words", () => {
    expect(refusal({ name: "a.jpg", type: "image/jpeg", size: 5 })).toBeNull();
    expect(refusal({ name: "a.txt", type: "text/plain", size: 5 })).toContain("not a picture");
    expect(refusal({ name: "a.svg", type: "image/svg+xml", size: 5 })).toContain("not a picture");
    expect(refusal({ name: "a.png", type: "image/png", size: 12.34e6 })).toContain("12.3 MB");
  });

  test("a picture dropped anywhere on the widget is taken", async () => {
    const { root, onUpload } = open();
    drop(root, [], "dragenter");
    expect(find(root, ".bbp-drop").hidden).toBe(false);
    const picture = file("cat.png", "image/png");
    expect(drop(root, [picture]).defaultPrevented).toBe(true);
    await Promise.resolve();
    expect(find(root, ".bbp-drop").hidden).toBe(true);
    expect(onUpload.mock.calls).toEqual([[picture]]);
  });

  test("a refusal is said and nothing is sent", () => {
    const { root, onUpload } = open();
    drop(root, [file("<img src=x>.zip", "application/zip")]);
    expect(onUpload).not.toHaveBeenCalled();
    expect(find(root, ".refused").textContent).toContain("<img src=x>.zip is not a picture");
    expect(root.querySelector("img")).toBeNull();
  });

  test("are not offered where they cannot be", () => {
    const { root, onUpload } = open({}, { uploads: false });
    drop(root, [file("cat.png", "image/png")]);
    expect(onUpload).not.toHaveBeenCalled();
    expect(find(root, ".sample-bar .add").hidden).toBe(true);
  });

  test("the drop zone goes with the widget", () => {
    const { root, chart, onUpload } = open();
    chart.destroy();
    expect(root.querySelector(".bbp-drop")).toBeNull();
    drop(root, [file("cat.png", "image/png")]);
    expect(onUpload).not.toHaveBeenCalled();
  });
});

describe("lanes", () => {
  test("one lane is one row of rules; the number keys press them", () => {
    const { root, chart, look: now } = open();
    expect(find(root, ".lanes-bar").hidden).toBe(true);
    expect(chosen(root, "rule")).toBe("proportional");
    chart.rule(2);
    expect(now().lanes).toEqual([{ rule: "softmax", parameters: { temperature: 1 }, plan: {} }]);
  });

  test("a rule comes back as it was left, and keeps its lane's plan", () => {
    const plan = { fc: { rule: "uniform", parameters: {} } };
    const { root, look: now } = open({
      lanes: [{ rule: "softmax", parameters: { temperature: 0.3 }, plan }],
    });
    choose(root, "rule", "uniform");
    expect(now().lanes[0]).toEqual({ rule: "uniform", parameters: {}, plan });
    choose(root, "rule", "softmax");
    expect(now().lanes[0]?.parameters).toEqual({ temperature: 0.3 });
  });

  test("a lane is added with a rule that is not there yet, up to four", () => {
    const { root, look: now } = open();
    for (let count = 2; count <= 4; count += 1)
      find(root, ".rule-bar .add, .lanes-bar .add").click();
    expect(now().lanes.map(({ rule }) => rule)).toEqual([
      "proportional",
      "uniform",
      "softmax",
      "softmin",
    ]);
    expect(now().lane).toBe(3);
    expect(find(root, ".lanes-bar .add").hidden).toBe(true);
    expect(root.querySelectorAll(".lane")).toHaveLength(4);
  });

  test("the rule and its knobs are those of the active lane", () => {
    const { root, look: now } = open({
      lanes: [
        { rule: "uniform", parameters: {}, plan: {} },
        { rule: "softmax", parameters: { temperature: 2 }, plan: {} },
      ],
    });
    expect(root.querySelectorAll(".rule-bar input")).toHaveLength(0);
    find(root, ".lane [data-key='1']").click();
    expect(now().lane).toBe(1);
    expect(find(root, ".lane [data-key='1']").getAttribute("aria-pressed")).toBe("true");
    const slider = find<HTMLInputElement>(root, ".rule-bar input");
    slider.value = "240";
    slider.dispatchEvent(new Event("input"));
    expect(now().lanes[1]?.parameters).toEqual({ temperature: 2 });
    vi.advanceTimersByTime(130);
    expect(now().lanes[1]?.parameters).toEqual({ temperature: 20 });
    expect(now().lanes[0]?.parameters).toEqual({});
  });

  test("says which are being computed and which are not", () => {
    const { root, work } = open({
      lanes: ["uniform", "weights", "winner"].map((rule) => ({ rule, parameters: {}, plan: {} })),
    });
    work([1]);
    const lanes = [...root.querySelectorAll(".lane")];
    expect(lanes.map((one) => one.querySelector(".working") !== null)).toEqual([
      false,
      true,
      false,
    ]);
    expect(lanes.map((one) => one.classList.contains("absent"))).toEqual([false, false, true]);
  });

  test("one lane is subtracted from another, and going there turns it round", () => {
    const { root, look: now } = open({
      lanes: ["uniform", "weights"].map((rule) => ({ rule, parameters: {}, plan: {} })),
    });
    expect(chosen(root, "difference")).toBe("");
    choose(root, "difference", "1");
    expect(now().difference).toBe(1);
    find(root, ".lane [data-key='1']").click();
    expect(now()).toMatchObject({ lane: 1, difference: 0 });
    expect(find(root, "[aria-label=difference]").textContent).toContain("2 − 1");
  });

  test("a lane that goes takes nothing else with it", () => {
    const lanes = ["a", "b", "c"].map((rule) => ({ rule, parameters: {}, plan: {} }));
    const without = (lane: number, difference: number | null, index: number) => {
      const left = withoutLane(look({ lanes, lane, difference }), index);
      return [left.lanes?.map(({ rule }) => rule).join(""), left.lane, left.difference];
    };
    expect(without(0, null, 1)).toEqual(["ac", 0, null]);
    expect(without(2, 0, 1)).toEqual(["ac", 1, 0]);
    expect(without(2, 1, 1)).toEqual(["ac", 1, null]);
    expect(without(2, 1, 2)).toEqual(["ab", 1, null]);
    expect(without(0, 2, 0)).toEqual(["bc", 0, 1]);
  });
});

describe("the plan", () => {
  const film = filmOf([
    {},
    { module: "fc", mixes: true, adds: 1 },
    { module: "att", node: "matmul_1", mixes: true },
    { module: "att", node: "softmax_1" },
    { module: "att", node: "matmul_2", mixes: true },
    { node: "add", mixes: true },
    {},
  ]);

  test("names modules exactly, and nodes where a module has several", () => {
    expect(planKeys(film, { stops: [1], level: "ops" })).toEqual(["fc"]);
    expect(planKeys(film, { stops: [4, 3, 2], level: "ops" })).toEqual(["matmul_1", "matmul_2"]);
    expect(planKeys(film, { stops: [5], level: "ops" })).toEqual(["add"]);
    film.levels.blocks = [0, 1, 4, 6].map((frame) => ({ frame, name: "", group: "" }));
    expect(planKeys(film, { stops: [4], level: "blocks" })).toEqual(["matmul_1", "matmul_2"]);
  });

  test("gives the selected stops another rule, and takes it back", () => {
    const { root, look: now } = open({ stops: [1, 2], level: "ops" }, {}, film);
    const select = find<HTMLSelectElement>(root, ".bbp-plan select");
    expect(find(root, ".editor .key").textContent).toBe("for 2 selected stops:");
    const take = (rule: string) => {
      select.value = rule;
      select.dispatchEvent(new Event("change"));
    };
    take("softmax");
    const softmax = { rule: "softmax", parameters: { temperature: 1 } };
    expect(now().lanes[0]?.plan).toEqual({ fc: softmax, matmul_1: softmax });
    expect(select.value).toBe("softmax");
    const knob = find<HTMLInputElement>(root, ".bbp-plan input");
    knob.value = "0";
    knob.dispatchEvent(new Event("input"));
    vi.advanceTimersByTime(130);
    expect(now().lanes[0]?.plan.fc?.parameters).toEqual({ temperature: 0.05 });
    find(root, ".entries [aria-label^='matmul_1']").click();
    expect(Object.keys(now().lanes[0]?.plan ?? {})).toEqual(["fc"]);
    expect(select.value).toBe("…");
    take("");
    expect(now().lanes[0]?.plan).toEqual({});
    find(root, ".editor .link").click();
    expect(now().stops).toEqual([]);
    expect(find(root, ".plan-bar").hidden).toBe(true);
  });

  test("is not offered where no rule decides", () => {
    const { root } = open({ stops: [3], level: "ops" }, {}, film);
    expect(find(root, ".editor .key").textContent).toBe("no rule decides at 1 selected stop");
    expect(find(root, ".bbp-plan select").hidden).toBe(true);
  });
});
