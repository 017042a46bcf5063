import { describe, expect, test, vi } from "vitest";
import { SETUP } from "../dev/setup";
import { classes } from "../src/charts/classes";
import { changesOf, leaderAt, scoreAt } from "../src/charts/crossings";
import type { Detail, PartsAnswer } from "../src/detail";
import type { Figure, Setup } from "../src/film";
import { filmOf, look, residual } from "./films";
import { find } from "./helpers";

const answerOf = (gradient: Figure[], bias: Figure[]): PartsAnswer => ({
  kind: "parts",
  gradient,
  bias,
});

function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("crossings", () => {
  test("are exact", () => {
    // 3 + t and 1 + 6t meet at t = 0.4.
    expect(changesOf(answerOf([3, 1, 0], [1, 6, 0]))).toEqual([{ t: 0.4, from: 0, to: 1 }]);
    expect(changesOf(answerOf([3, 1], [1, 1]))).toEqual([]);
    expect(changesOf(answerOf([3, 1], [1, 2.9]))).toEqual([]);
    expect(changesOf(answerOf([], []))).toEqual([]);
  });

  test("what is not finite is never ahead", () => {
    expect(changesOf(answerOf([3, null, 0], [0, 9, null]))).toEqual([]);
    expect(leaderAt(answerOf([null, 1], [0, 0]), 0.5)).toBe(1);
  });

  test("are where a search finds another class ahead", () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = dice(seed);
      const draw = () => Array.from({ length: 200 }, () => random() * 4 - 2);
      const parts = answerOf(draw(), draw());
      const changes = changesOf(parts);
      const ahead = (t: number) => {
        const scores = parts.gradient.map((_, index) => scoreAt(parts, index, t));
        return scores.indexOf(Math.max(...scores));
      };
      let leader = ahead(0);
      for (const [index, change] of changes.entries()) {
        expect(change.from).toBe(leader);
        const middle = (change.t + (changes[index + 1]?.t ?? 1)) / 2;
        leader = ahead(middle);
        expect(change.to).toBe(leader);
      }
      expect(ahead(1)).toBe(leader);
    }
  });
});

describe("the dimmer", () => {
  const setup = SETUP as unknown as Setup;
  const film = filmOf(residual());
  const twelve = answerOf(
    [3, 1, 0, -1, -2, -3, -4, -5, -6, -7, -8, -9],
    [1, 6, 0, 0.1, 0.2, 0, 0, 0, 0, 0, 0, 0],
  );

  function open(detail: Detail<PartsAnswer> | null, change = {}) {
    const onLook = vi.fn();
    const onAsk = vi.fn();
    const chart = classes({ onLook, onAsk });
    document.body.append(chart.node);
    let shown = look({ dim: 1, ...change });
    let answer = detail;
    const show = () => chart.update({ film, look: shown, setup, detail: () => answer });
    onLook.mockImplementation((by) => {
      shown = { ...shown, ...by };
      show();
    });
    show();
    const rows = () => {
      vi.advanceTimersByTime(400);
      return [...chart.node.querySelectorAll<HTMLElement>(".class-row")];
    };
    const give = (next: Detail<PartsAnswer> | null) => {
      answer = next;
      show();
    };
    return { chart, onLook, onAsk, rows, show, give };
  }

  test("asks once for what each part says, and shows it when it comes", () => {
    const { chart, onAsk, show, give, rows } = open(null);
    show();
    expect(onAsk.mock.calls).toEqual([[{ kind: "parts", sample: 0 }]]);
    expect(find(chart.node, ".whole").hidden).toBe(true);
    give({ state: "here", answer: twelve });
    expect(rows().length).toBeGreaterThan(0);
    give({ state: "offline" });
    expect(chart.node.textContent).toContain("was not saved with this page");
    give({ state: "failed", title: "ValueError", message: "<img src=x>" });
    expect(chart.node.textContent).toContain("ValueError: <img src=x>");
    find(chart.node, ".absent button").click();
    expect(onAsk).toHaveBeenCalledTimes(2);
  });

  test("ranks by w·x + t·b, the exact score beside each, and says where the answer changes", () => {
    const { chart, rows, onLook } = open({ state: "here", answer: twelve });
    const keys = () => rows().map((row) => row.dataset.key);
    expect(keys().slice(0, 2)).toEqual(["1", "0"]);
    expect(find(rows()[0] as HTMLElement, "b").dataset.value).toBe("7");
    expect(find(chart.node, "[data-key=crossing]").dataset.value).toBe("0.4");
    expect(find(chart.node, ".changes").textContent).toBe(
      "b makes it change from Egyptian cat to tabby at t = 0.40",
    );
    const slider = find<HTMLInputElement>(chart.node, "input");
    slider.value = "40";
    slider.dispatchEvent(new Event("input"));
    expect(onLook.mock.lastCall).toEqual([{ dim: 0.2 }, true]);
    expect(keys().slice(0, 2)).toEqual(["0", "1"]);
    expect(find(rows()[0] as HTMLElement, "b").dataset.value).toBe("3.2");
    expect(find(chart.node, "[role=status]").textContent).toBe("at t = 0.20 Egyptian cat is ahead");
    slider.dispatchEvent(new Event("change"));
    expect(onLook.mock.lastCall).toEqual([{ dim: 0.2 }]);
  });

  test("a class is explained by a press; target and label are always there", () => {
    const far = answerOf([...twelve.gradient].reverse(), [...twelve.bias].reverse());
    const { rows, onLook } = open({ state: "here", answer: far }, { versus: 11 });
    expect(rows()).toHaveLength(9);
    const target = rows().find((row) => row.dataset.key === "0");
    expect(target?.getAttribute("aria-pressed")).toBe("true");
    expect(target?.textContent).toContain("target");
    find(document, ".class-row[data-key='11']").click();
    expect(onLook.mock.lastCall?.[0]).toEqual({ target: 11, versus: null });
  });

  test("of a thousand classes the same few rows are shown at every t", () => {
    const random = dice(5);
    const draw = () => Array.from({ length: 1000 }, () => random());
    const { chart } = open({ state: "here", answer: answerOf(draw(), draw()) });
    const slider = find<HTMLInputElement>(chart.node, "input");
    for (let at = 0; at < 20; at += 1) {
      slider.value = String(at * 10);
      slider.dispatchEvent(new Event("input"));
      const count = chart.node.querySelectorAll(".class-row").length;
      expect(count).toBeGreaterThanOrEqual(8);
      expect(count).toBeLessThanOrEqual(10); // eight, the target and the label
    }
  });

  test("says when b changes nothing", () => {
    const { chart } = open({ state: "here", answer: answerOf([3, 1], [1, 1]) });
    expect(find(chart.node, ".changes").textContent).toContain("b does not change the answer");
  });
});
