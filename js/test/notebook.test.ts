import { describe, expect, test, vi } from "vitest";
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
        rules: [{ name: "proportional", says: bad, formula: bad, parameters: [] }],
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

  test("two views of one model answer to the same kernel", () => {
    const one = open();
    one.model.onMessage = ({ type }) => type === "hello" && one.model.film(blob());
    const el = document.createElement("div");
    document.body.append(el);
    const close = render({ model: one.model, el });
    choose(one.el, "target", "2");
    expect(chosen(el, "target")).toBe("2");
    answer(one.model);
    expect(shownTarget(el)).toBe(shownTarget(one.el));
    press(railOf(el), "End");
    expect(stepOf(el)).toBe(7);
    expect(stepOf(one.el)).toBe(0);
    choose(one.el, "target", "3");
    press(railOf(el), "Escape");
    expect(chosen(one.el, "target")).toBe("2");
    close();
    choose(one.el, "target", "1");
    answer(one.model);
    expect(chosen(one.el, "target")).toBe("1");
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
