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
  open,
  press,
  railOf,
  requests,
  shownTarget,
  stepOf,
} from "./helpers";

describe("asking", () => {
  test("writes the whole request under a new number, and shows its answer", () => {
    const { model, el } = open();
    choose(el, "target", "2");
    expect(requests(model)).toEqual([{ ...FIRST, seq: 1, target: 2 }]);
    expect(shownTarget(el)).toBe(String(film().target.value));
    answer(model);
    expect(shownTarget(el)).toBe(String(film({ state: { ...FIRST, target: 2 } }).target.value));
  });

  test("an answer to an older question is kept and not shown", () => {
    const { model, el } = open();
    choose(el, "target", "1");
    const older = lastRequest(model);
    choose(el, "target", "2");
    answer(model, older);
    expect(chosen(el, "target")).toBe("2");
    expect(shownTarget(el)).toBe(String(film().target.value));
    answer(model);
    const count = requests(model).length;
    // It had come too late to be shown, but in time to be kept.
    choose(el, "target", "1");
    expect(requests(model)).toHaveLength(count);
    expect(shownTarget(el)).toBe(String(film({ state: { ...FIRST, target: 1 } }).target.value));
  });

  test("what has been seen needs no kernel, and calls off what is under way", () => {
    const { model, el } = open();
    choose(el, "rule", "uniform");
    answer(model);
    choose(el, "rule", "proportional");
    expect(requests(model)).toHaveLength(1);
    expect(chosen(el, "rule")).toBe("proportional");
    expect(model.get("shown")).toEqual({ ...FIRST, key: film().key });
    choose(el, "rule", "winner");
    const late = lastRequest(model);
    choose(el, "rule", "uniform");
    expect(requests(model)).toHaveLength(2);
    expect(model.get("cancel")).toBe(late.seq);
    answer(model, late);
    expect(chosen(el, "rule")).toBe("uniform");
  });

  test("another sample asks for its own largest score, and knows it the second time", () => {
    const { model, el } = open();
    choose(el, "sample", "1");
    expect(lastRequest(model)).toMatchObject({ sample: 1, target: null, versus: null });
    answer(model);
    expect(chosen(el, "target")).toBe("0");
    choose(el, "sample", "0");
    choose(el, "sample", "1");
    expect(requests(model)).toHaveLength(1);
    expect(chosen(el, "sample")).toBe("1");
  });

  test("a rule is found again with the parameters it was left with", () => {
    const { model, el } = open({
      film: blob({ state: { ...FIRST, parameters: { power: 2, relative: true } } }),
    });
    choose(el, "rule", "softmax");
    expect(lastRequest(model).parameters).toEqual({ temperature: 1 });
    answer(model);
    choose(el, "rule", "proportional");
    expect(requests(model)).toHaveLength(1);
    expect(find(el, ".knobs output").textContent).toBe("2.00");
  });

  test("Python's own film is adopted, controls and all", () => {
    const { model, el } = open();
    model.send({ film: blob({ state: { ...FIRST, rule: "softmin", target: 4 } }) });
    expect(chosen(el, "rule")).toBe("softmin");
    expect(chosen(el, "target")).toBe("4");
    expect(requests(model)).toEqual([]);
    choose(el, "rule", "winner");
    model.send({ film: blob({ state: { ...FIRST, rule: "uniform" } }) });
    expect(chosen(el, "rule")).toBe("uniform");
    answer(model);
    expect(chosen(el, "rule")).toBe("winner");
  });

  test("one class rather than another is chosen from the list, and given up for itself", () => {
    const { model, el } = open();
    const [, versus] = el.querySelectorAll<HTMLElement>(".bbp-list .chip");
    versus?.click();
    const search = find<HTMLInputElement>(el, ".panel:not([hidden]) input");
    search.value = "lyn";
    search.dispatchEvent(new Event("input"));
    press(search, "Enter");
    expect(lastRequest(model)).toMatchObject({ target: 0, versus: 3 });
    choose(el, "target", "3");
    expect(lastRequest(model)).toMatchObject({ target: 3, versus: null });
  });
});

describe("while the kernel works", () => {
  test("progress shows after a moment, and cancel goes back to what is seen", () => {
    const { model, el } = open();
    choose(el, "rule", "winner");
    const busy = find(el, ".bbp-busy");
    expect(busy.hidden).toBe(true);
    vi.advanceTimersByTime(200);
    model.send({ progress: { seq: 1, stage: "walk", done: 3, total: 9 } });
    expect(busy.hidden).toBe(false);
    expect(find(busy, ".words").textContent).toBe("walking back 3 of 9");
    find(busy, "button").click();
    expect(model.get("cancel")).toBe(1);
    expect(busy.hidden).toBe(true);
    expect(chosen(el, "rule")).toBe("proportional");
    model.send({ progress: { seq: 1, stage: "walk", done: 4, total: 9 } });
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
    const error = { seq: 1, title: "NoRule", message: "no rule here", traceback: "line 1" };
    model.send({ error: { ...error, seq: 0 } });
    expect(find(el, "[role=alert]").hidden).toBe(true);
    model.send({ error });
    const alert = find(el, "[role=alert]");
    expect(alert.textContent).toContain("no rule here");
    expect(chosen(el, "rule")).toBe("proportional");
    expect(shownTarget(el)).toBe(String(film().target.value));
    find(alert, "button").click();
    expect(alert.hidden).toBe(true);
  });

  test("a film that cannot be read is told as an error", () => {
    const { model, el } = open();
    model.send({ film: new DataView(new ArrayBuffer(3)) });
    expect(find(el, "[role=alert]").textContent).toContain("wanted at least 4 bytes, got 3");
    expect(shownTarget(el)).toBe(String(film().target.value));
  });

  test("a kernel that has died stops nothing", () => {
    const { model, el } = open();
    model.dead = true;
    choose(el, "rule", "winner");
    press(railOf(el), "ArrowLeft");
    vi.advanceTimersByTime(9000);
    expect(stepOf(el)).toBe(1);
    expect(find(el, ".bbp-busy .words").textContent).toContain("no word from the kernel");
    find(el, ".bbp-busy button").click();
    expect(chosen(el, "rule")).toBe("proportional");
  });
});
