import { describe, expect, test, vi } from "vitest";
import type { FakeModel } from "../dev/fake-model";
import { SETUP } from "../dev/setup";
import { render } from "../src/widgets/stage";
import {
  answer,
  blob,
  choose,
  chosen,
  FIRST,
  find,
  lastRequest,
  press,
  railOf,
  shownTarget,
  stepOf,
} from "./helpers";
import { open } from "./page";

const OVERLAY = ".bbp-gallery input[type=range]";

describe("in a notebook", () => {
  test("every element that can hold the focus keeps the notebook's keys away", () => {
    const { el, model } = open();
    model.put({ error: { seq: null, lane: null, title: "t", message: "m", traceback: "here" } });
    find(el, ".bbp-list .chip").click();
    const focusable = el.querySelectorAll(
      "a, button, input, select, summary, textarea, [tabindex]",
    );
    expect(focusable.length).toBeGreaterThan(25);
    for (const one of focusable) {
      expect(one.getAttribute("data-lm-suppress-shortcuts"), one.outerHTML).toBe("true");
    }
  });

  test("labels are text, never HTML", () => {
    const bad = "<img src=x onerror=alert(1)>";
    const { el, model } = open({
      setup: {
        network: bad,
        classes: SETUP.classes.map(() => bad),
        samples: [0, 1].map(() => ({ name: bad, label: bad })),
        rules: [{ name: "proportional", says: bad, formula: bad, standard: {}, parameters: [] }],
        uploads: true,
        offline: false,
        notices: [bad],
      },
      thumbs: new DataView(new ArrayBuffer(0)),
    });
    model.put({ error: { seq: null, lane: null, title: bad, message: bad, traceback: bad } });
    find(el, ".bbp-list .chip").click();
    expect(el.querySelector("img")).toBeNull();
    expect(el.textContent).toContain(bad);
  });

  test("follows the theme of JupyterLab", async () => {
    document.body.dataset.jpThemeLight = "true";
    const { el } = open();
    expect(find(el, ".bbp").dataset.theme).toBe("light");
    document.body.dataset.jpThemeLight = "false";
    await Promise.resolve();
    expect(find(el, ".bbp").dataset.theme).toBe("dark");
  });

  /** A second view of what the first shows. */
  function again(one: { model: FakeModel }) {
    const el = document.createElement("div");
    document.body.append(el);
    return { el, close: render({ model: one.model, el }) };
  }

  test("two views of one model show one state, whichever is driven", () => {
    const one = open();
    const two = again(one);
    expect(one.model.sent).toEqual([{ type: "hello" }]);
    expect(shownTarget(two.el)).toBe(shownTarget(one.el));
    choose(one.el, "target", "2");
    expect(chosen(two.el, "target")).toBe("2");
    answer(one.model);
    expect(shownTarget(two.el)).toBe(shownTarget(one.el));
    press(railOf(two.el), "End");
    expect(stepOf(one.el)).toBe(7);
    choose(one.el, "scale", "shared");
    expect(chosen(two.el, "scale")).toBe("shared");
    find(two.el, ".bbp-tabs [data-key=flow]").click();
    expect(find(one.el, ".bbp-tabs [data-key=flow]").getAttribute("aria-selected")).toBe("true");
    press(railOf(one.el), "z", { ctrlKey: true });
    press(railOf(one.el), "z", { ctrlKey: true });
    expect([chosen(one.el, "scale"), chosen(two.el, "scale")]).toEqual(["each", "each"]);
    choose(one.el, "target", "3");
    press(railOf(two.el), "Escape");
    expect(chosen(one.el, "target")).toBe("2");
  });

  test("what a hand passes is told to the other view and to nobody else, and once it rests", () => {
    const one = open();
    const two = again(one);
    vi.advanceTimersByTime(1000);
    const saved = one.model.saved.length;
    const said = one.model.sent.length;
    const slider = find<HTMLInputElement>(one.el, OVERLAY);
    for (const value of ["20", "30", "40"]) {
      slider.value = value;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      expect(slider.value).toBe(value);
      const other = find<HTMLInputElement>(two.el, OVERLAY);
      expect(other.value).toBe(value);
      vi.advanceTimersByTime(300);
    }
    expect(one.model.saved).toHaveLength(saved);
    slider.dispatchEvent(new Event("change", { bubbles: true }));
    vi.advanceTimersByTime(1000);
    expect(one.model.saved).toHaveLength(saved + 1);
    expect(one.model.sent).toHaveLength(said);
  });

  test("one clock plays in both, and a hand in either stops it", () => {
    const one = open();
    const two = again(one);
    press(railOf(one.el), " ");
    vi.advanceTimersByTime(900);
    expect(stepOf(two.el)).toBeGreaterThan(0);
    press(railOf(two.el), "Home");
    vi.advanceTimersByTime(900);
    expect([stepOf(one.el), stepOf(two.el)]).toEqual([0, 0]);
  });

  test("the first view closed, the other goes on; the last one closed, nothing is left", () => {
    const one = open();
    const two = again(one);
    one.close();
    choose(two.el, "target", "1");
    answer(one.model);
    expect(chosen(two.el, "target")).toBe("1");
    expect(find(two.el, ".bbp-busy").hidden).toBe(true);
    two.close();
    expect(one.model.listening).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("the cleanup stops everything that render started", () => {
    const { model, el, close } = open();
    press(railOf(el), " ");
    choose(el, "rule", "winner");
    close();
    expect(model.listening).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(el.childElementCount).toBe(0);
    const saved = model.saved.length;
    vi.advanceTimersByTime(5000);
    expect(model.saved).toHaveLength(saved);
  });

  test("opens before there is anything to show, and on work that is under way", () => {
    const empty = new DataView(new ArrayBuffer(0));
    const { el, model } = open({ setup: {}, thumbs: empty }, null);
    expect(find(el, ".bbp-waiting").hidden).toBe(false);
    model.put({ setup: SETUP });
    model.film(blob());
    expect(find(el, ".bbp-waiting").hidden).toBe(true);
    const { sample, target, versus } = FIRST;
    const winner = { rule: "winner", parameters: {}, plan: {} };
    const request = { seq: 9, sample, target, versus, lanes: [winner], wanted: [0] };
    const progress = { seq: 9, lane: 0, stage: "walk", done: 1, total: 2 };
    const again = open({ request, progress, put: { seq: 0, look: request } });
    expect(again.el.textContent).toContain("winner");
    answer(again.model);
    choose(again.el, "target", "1");
    expect(lastRequest(again.model).seq).toBe(10);
  });
});
