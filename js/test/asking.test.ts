import { describe, expect, test, vi } from "vitest";
import {
  answer,
  blob,
  choose,
  chosen,
  FIRST,
  film,
  find,
  lastRequest,
  press,
  railOf,
  requests,
  shownTarget,
  stepOf,
} from "./helpers";
import { open } from "./page";

describe("asking", () => {
  test("a target is asked for, and its film shown when it comes", () => {
    const { model, el } = open();
    choose(el, "target", "2");
    expect(lastRequest(model)).toMatchObject({ seq: 1, target: 2, wanted: [0] });
    expect(shownTarget(el)).toBe(String(film().target.value));
    answer(model);
    expect(shownTarget(el)).toBe(String(film({ state: { ...FIRST, target: 2 } }).target.value));
  });

  test("another sample asks for its own largest score", () => {
    const { model, el } = open();
    choose(el, "sample", "1");
    expect(lastRequest(model)).toMatchObject({ sample: 1, target: null, versus: null });
    answer(model);
    expect(chosen(el, "target")).toBe("0");
    expect(chosen(el, "sample")).toBe("1");
  });

  test("Python's own film is adopted, controls and all", () => {
    const { model, el } = open();
    model.film(blob({ state: { ...FIRST, rule: "softmin", target: 4 } }));
    expect(chosen(el, "target")).toBe("4");
    expect(requests(model)).toEqual([]);
  });
});

describe("while the kernel works", () => {
  test("progress shows after a moment, and cancel goes back to what is seen", () => {
    const { model, el } = open();
    choose(el, "rule", "winner");
    const busy = find(el, ".bbp-busy");
    expect(busy.hidden).toBe(true);
    vi.advanceTimersByTime(200);
    model.put({ progress: { seq: 1, lane: 0, stage: "walk", done: 3, total: 9 } });
    expect(busy.hidden).toBe(false);
    expect(find(busy, ".words").textContent).toBe("walking back 3 of 9");
    find(busy, "button").click();
    expect(model.get("cancel")).toBe(1);
    expect(busy.hidden).toBe(true);
    expect(chosen(el, "rule")).toBe("proportional");
    model.put({ progress: { seq: 1, lane: 0, stage: "walk", done: 4, total: 9 } });
    vi.advanceTimersByTime(200);
    expect(busy.hidden).toBe(true);
    answer(model);
    expect(chosen(el, "rule")).toBe("proportional");
  });

  test("a quick answer shows no progress at all", () => {
    const { model, el } = open();
    choose(el, "rule", "winner");
    vi.advanceTimersByTime(100);
    answer(model);
    vi.advanceTimersByTime(1000);
    expect(find(el, ".bbp-busy").hidden).toBe(true);
  });

  test("an error is told, the last film stays and the controls go back to it", () => {
    const { model, el } = open();
    choose(el, "rule", "winner");
    const error = {
      seq: 1,
      lane: null,
      title: "NoRule",
      message: "no rule here",
      traceback: "line 1",
    };
    model.put({ error: { ...error, seq: 0 } });
    expect(find(el, "[role=alert]").hidden).toBe(true);
    model.put({ error });
    const alert = find(el, "[role=alert]");
    expect(alert.textContent).toContain("no rule here");
    expect(chosen(el, "rule")).toBe("proportional");
    expect(shownTarget(el)).toBe(String(film().target.value));
    find(alert, "button").click();
    expect(alert.hidden).toBe(true);
  });

  test("a film that cannot be read is told as an error", () => {
    const { model, el } = open();
    model.film(new DataView(new ArrayBuffer(3)));
    expect(find(el, "[role=alert]").textContent).toContain("wanted at least 4 bytes, got 3");
    expect(shownTarget(el)).toBe(String(film().target.value));
  });

  test("a kernel that has died stops nothing: it is told, and what was chosen is taken back", () => {
    const { model, el } = open();
    model.dead = true;
    choose(el, "rule", "winner");
    expect(find(el, "[role=alert]").textContent).toContain("The kernel is gone");
    expect(find(el, ".badge").textContent).toBe("no kernel");
    expect(chosen(el, "rule")).toBe("proportional");
    vi.advanceTimersByTime(9000);
    expect(find(el, ".bbp-busy").hidden).toBe(true);
    press(railOf(el), "ArrowLeft");
    expect(stepOf(el)).toBe(1);
  });

  test("a kernel that says nothing may be busy: it is waited for until it is cancelled", () => {
    const { el } = open();
    choose(el, "rule", "winner");
    vi.advanceTimersByTime(9000);
    expect(find(el, ".bbp-busy .words").textContent).toContain("no word from the kernel");
    expect(find(el, "[role=alert]").hidden).toBe(true);
    find(el, ".bbp-busy button").click();
    expect(chosen(el, "rule")).toBe("proportional");
  });
});
