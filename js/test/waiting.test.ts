import { describe, expect, test } from "vitest";
import { waiting } from "../src/charts/waiting";
import type { Progress } from "../src/film";

const WALK: Progress = {
  seq: 1,
  lane: 0,
  stage: "walk",
  done: 1,
  total: 9,
  known: { target: "<b>cat</b>", value: 6.3176, gradient: -4.0588, bias: 10.3764 },
};

describe("waiting for the first film", () => {
  test("the target and its two parts are told as soon as they are known", () => {
    const { node, update } = waiting();
    update(true, null);
    expect(node.hidden).toBe(false);
    expect(node.textContent).toContain("Waiting for the first film.");
    const sum = node.querySelector<HTMLElement>(".sum");
    expect(sum?.hidden).toBe(true);
    update(true, { ...WALK, stage: "capture", known: null });
    expect(sum?.hidden).toBe(true);
    update(true, WALK);
    expect(sum?.hidden).toBe(false);
    expect(sum?.textContent).toBe("<b>cat</b> 6.318 = w·x −4.059 + b 10.38");
    expect(node.querySelector("b")).toBeNull();
    expect(node.textContent).toContain("carried back");
    update(true, { ...WALK, stage: "film", known: null });
    expect(sum?.hidden).toBe(false);
    update(false, null);
    expect(node.hidden).toBe(true);
  });

  test("what is not finite is said to be", () => {
    const { node, update } = waiting();
    const known = { target: "cat", value: null, gradient: null, bias: 1 };
    update(true, { ...WALK, known });
    expect(node.querySelector(".sum")?.textContent).toBe(
      "cat not finite = w·x not finite + b 1.000",
    );
  });
});
