import { afterEach, describe, expect, test, vi } from "vitest";
import type { FakeModel } from "../dev/fake-model";
import { stopAt } from "../src/film";
import type { Look } from "../src/look";
import {
  answer,
  blob,
  choose,
  film,
  find,
  LANE,
  lastRequest,
  press,
  railOf,
  requests,
  stepOf,
} from "./helpers";
import { open } from "./page";

/** The frame at which a stop of the first film stands. */
const frameAt = (stop: number) => film().levels.layers[stop]?.frame ?? -1;

/** The steps of the looks that were written. */
const steps = (model: FakeModel) =>
  model.saved.flatMap(({ look }) => (look ? [(look as unknown as Look).step] : []));

afterEach(() => {
  vi.restoreAllMocks();
});

/** What was asked from now on that needs a layout. */
function layoutsAsked(): string[] {
  const asked: string[] = [];
  const spy = (of: object, name: string) =>
    vi.spyOn(of as HTMLElement, name as "offsetHeight", "get").mockImplementation(() => {
      asked.push(name);
      return 0;
    });
  for (const name of ["offsetHeight", "offsetWidth", "offsetTop", "offsetLeft"]) {
    spy(HTMLElement.prototype, name);
  }
  for (const name of ["clientHeight", "clientWidth", "scrollTop", "scrollLeft", "scrollWidth"]) {
    spy(Element.prototype, name);
  }
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockImplementation(() => {
    asked.push("getBoundingClientRect");
    return new DOMRect();
  });
  return asked;
}

describe("stepping", () => {
  test("by keys: left is toward the input", () => {
    const { el } = open();
    const seen = ["ArrowLeft", "ArrowLeft", "ArrowRight", "End", "ArrowLeft", "Home"].map((key) => {
      press(railOf(el), key);
      return stepOf(el);
    });
    expect(seen).toEqual([1, 2, 1, 7, 7, 0]);
    vi.advanceTimersByTime(300);
    expect(find(el, ".body > .bbp-unseen").textContent).toContain("step 0 of 7, output");
  });

  test("writes the look when the page has come to rest, and asks nothing", () => {
    const { model, el } = open();
    for (let count = 0; count < 4; count += 1) {
      press(railOf(el), "ArrowLeft");
      vi.advanceTimersByTime(150);
    }
    expect(model.saved).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(steps(model)).toEqual([frameAt(4)]);
    expect(requests(model)).toEqual([]);
  });

  test.each(["maps", "flow", "triage", "classes"] as const)(
    "asks where nothing is: a layout costs a third of a frame (%s)",
    (panel) => {
      const { model, el } = open();
      model.put({ put: { seq: 1, look: { panel } } });
      press(railOf(el), "ArrowLeft");
      const asked = layoutsAsked();
      press(railOf(el), "ArrowLeft");
      press(railOf(el), "End");
      vi.advanceTimersByTime(500);
      expect(asked).toEqual([]);
    },
  );

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
    vi.advanceTimersByTime(500);
    expect(steps(model)).toEqual([frameAt(7)]);
    expect(find(el, ".play").textContent).toBe("play");
  });

  test("escape stops the playing, and a jump moves the step", () => {
    const { model, el } = open();
    press(railOf(el), " ");
    vi.advanceTimersByTime(900);
    press(railOf(el), "Escape");
    vi.advanceTimersByTime(2000);
    expect(stepOf(el)).toBe(2);
    model.put({ put: { seq: 1, look: { step: frameAt(5) } } });
    expect(stepOf(el)).toBe(5);
  });

  test("a step that Python asks for before the first film is kept for it", () => {
    const { model, el } = open({}, null);
    model.put({ put: { seq: 1, look: { step: frameAt(5) } } });
    model.film(blob());
    expect(stepOf(el)).toBe(5);
  });

  test("stops where the level stops, and keeps its place when the level changes", () => {
    const { model, el } = open();
    press(railOf(el), "ArrowLeft");
    press(railOf(el), "ArrowLeft");
    choose(el, "granularity", "ops");
    expect(stepOf(el)).toBe(frameAt(2));
    press(railOf(el), "ArrowLeft");
    vi.advanceTimersByTime(300);
    expect(steps(model).at(-1)).toBe(frameAt(2) + 1);
    choose(el, "granularity", "blocks");
    const blocks = film().levels.blocks;
    expect(stepOf(el)).toBe(stopAt(blocks, frameAt(2) + 1));
  });

  test("n goes to the next anomaly, or says that there is none", () => {
    const { el } = open({}, blob({ broken: true }));
    press(railOf(el), "n");
    expect(railOf(el).getAttribute("aria-valuetext")).toContain(film().frames[3]?.name);
    const healthy = open();
    press(railOf(healthy.el), "n");
    vi.advanceTimersByTime(300);
    expect(find(healthy.el, ".body > .bbp-unseen").textContent).toContain("nothing");
  });

  test("control z undoes the walk, and control shift z does it again", () => {
    const { el } = open();
    press(railOf(el), "End");
    press(railOf(el), "z", { ctrlKey: true });
    expect(stepOf(el)).toBe(0);
    press(find(el, ".play"), "Z", { ctrlKey: true, shiftKey: true });
    expect(stepOf(el)).toBe(7);
  });

  test("a walk can be undone by the button, and is in what is copied", async () => {
    const { el } = open();
    const texts: string[] = [];
    vi.stubGlobal("navigator", {
      clipboard: { writeText: async (text: string) => texts.push(text) },
    });
    const [undo, , copy] = el.querySelectorAll<HTMLButtonElement>(".bbp-toolbar button");
    expect(undo?.disabled).toBe(true);
    press(railOf(el), "End");
    expect(undo?.disabled).toBe(false);
    copy?.click();
    await Promise.resolve();
    vi.unstubAllGlobals();
    expect(texts[0]).toContain(`"step": ${frameAt(7)}`);
  });

  test("digits choose rules; a button keeps its space bar and a field its letters", () => {
    const { model, el } = open();
    press(railOf(el), "3");
    expect(lastRequest(model).lanes[0]?.rule).toBe("softmax");
    press(find(el, ".knobs input"), "1");
    press(find(el, ".play"), " ");
    expect(requests(model)).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    expect(stepOf(el)).toBe(0);
  });

  test("a new film is looked at from the same node", () => {
    const { model, el } = open();
    press(railOf(el), "End");
    model.film(blob({ stops: 12 }));
    expect(stepOf(el)).toBe(11);
    press(railOf(el), "Home");
    press(railOf(el), "ArrowLeft");
    model.film(blob({ stops: 14 }));
    expect(stepOf(el)).toBe(1);
  });

  test("a step that is asked for with another film is gone to, though the film is here", () => {
    const { model, el } = open();
    press(railOf(el), "3");
    answer(model);
    press(railOf(el), "End");
    expect(stepOf(el)).toBe(7);
    model.put({ put: { seq: 1, look: { step: 0, lanes: [LANE] } } });
    expect(stepOf(el)).toBe(0);
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
