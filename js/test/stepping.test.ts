import { describe, expect, test, vi } from "vitest";
import { blob, find, lastRequest, open, press, railOf, requests, stepOf } from "./helpers";

describe("stepping", () => {
  test("by keys: left is toward the input", () => {
    const { el } = open();
    const seen = ["ArrowLeft", "ArrowLeft", "ArrowRight", "End", "ArrowLeft", "Home"].map((key) => {
      press(railOf(el), key);
      return stepOf(el);
    });
    expect(seen).toEqual([1, 2, 1, 7, 7, 0]);
    vi.advanceTimersByTime(300);
    expect(find(el, "[aria-live=polite]").textContent).toContain("step 0 of 7, output");
  });

  test("writes the step when the page has come to rest, and asks nothing", () => {
    const { model, el } = open();
    for (let count = 0; count < 4; count += 1) {
      press(railOf(el), "ArrowLeft");
      vi.advanceTimersByTime(150);
    }
    expect(model.saved).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(model.saved).toEqual([{ step: 4 }]);
  });

  test("plays by the clock, at a speed, to the end, and rests there", () => {
    const { model, el } = open();
    press(railOf(el), " ");
    vi.advanceTimersByTime(450);
    expect(stepOf(el)).toBe(1);
    press(railOf(el), "]");
    vi.advanceTimersByTime(300);
    expect(stepOf(el)).toBe(2);
    expect(model.saved).toEqual([]);
    vi.advanceTimersByTime(5000);
    expect(stepOf(el)).toBe(7);
    expect(model.saved).toEqual([{ step: 7 }]);
    expect(find(el, ".play").textContent).toBe("play");
  });

  test("escape stops the playing, and a jump moves the step", () => {
    const { model, el } = open();
    press(railOf(el), " ");
    vi.advanceTimersByTime(900);
    press(railOf(el), "Escape");
    vi.advanceTimersByTime(2000);
    expect(stepOf(el)).toBe(2);
    model.send({ jump: { seq: 1, step: 5 } });
    expect(stepOf(el)).toBe(5);
  });

  test("a jump that comes before the first film is kept for it", () => {
    const { model, el } = open({ film: new DataView(new ArrayBuffer(0)) });
    model.send({ jump: { seq: 1, step: 5 } });
    model.send({ film: blob() });
    expect(stepOf(el)).toBe(5);
  });

  test("digits choose rules; a button keeps its space bar and a field its letters", () => {
    const { model, el } = open();
    press(railOf(el), "3");
    expect(lastRequest(model).rule).toBe("softmax");
    press(find(el, ".knobs input"), "1");
    press(find(el, ".play"), " ");
    expect(requests(model)).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    expect(stepOf(el)).toBe(0);
  });

  test("a new film is looked at from the same stop, by its name", () => {
    const { model, el } = open();
    press(railOf(el), "End");
    vi.advanceTimersByTime(300);
    model.send({ film: blob({ stops: 12 }) });
    expect(stepOf(el)).toBe(11);
    vi.advanceTimersByTime(300);
    expect(model.saved).toEqual([{ step: 7 }, { step: 11 }]);
    press(railOf(el), "Home");
    press(railOf(el), "ArrowLeft");
    press(railOf(el), "ArrowLeft");
    model.send({ film: blob({ stops: 14 }) });
    expect(stepOf(el)).toBe(2);
  });

  test("arrow keys move inside a group and leave the step alone", () => {
    const { el, model } = open();
    const first = find(el, "[aria-label=rule] [data-key=proportional]");
    first.focus();
    press(first, "ArrowRight");
    expect((document.activeElement as HTMLElement).dataset.key).toBe("softmax");
    expect(el.querySelectorAll("[aria-label=rule] [tabindex='0']")).toHaveLength(1);
    expect(stepOf(el)).toBe(0);
    expect(requests(model)).toEqual([]);
  });

  test("a click on paper gives the rail the focus", () => {
    const { el } = open();
    find(el, ".bbp-ledger h4").click();
    expect(document.activeElement).toBe(railOf(el));
  });
});
