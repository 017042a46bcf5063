import { expect, test, vi } from "vitest";
import { History } from "../src/history";

const START = { grain: 1, step: 0, lanes: ["a"] };

test("goes back and forth, and a new choice ends the way forth", () => {
  const history = new History(START);
  expect(history.change({ grain: 4 })).toBe(true);
  history.change({ lanes: ["b"] });
  expect(history.undo()).toBe(true);
  expect(history.now).toEqual({ ...START, grain: 4 });
  history.undo();
  expect(history.now).toEqual(START);
  expect(history.undo()).toBe(false);
  history.redo();
  history.change({ grain: 8 });
  expect(history.canRedo).toBe(false);
});

test("what changes nothing is no choice", () => {
  const history = new History(START);
  expect(history.change({ grain: 1, lanes: ["a"] })).toBe(false);
  expect(history.canUndo).toBe(false);
});

test("a hand that moves on is one choice, a second one later another", () => {
  const history = new History(START);
  history.change({ grain: 2 }, true);
  vi.advanceTimersByTime(5000);
  history.change({ grain: 3 }, true);
  history.change({ grain: 4 });
  vi.advanceTimersByTime(5000);
  history.change({ grain: 5 });
  history.undo();
  expect(history.now.grain).toBe(4);
  history.undo();
  expect(history.now.grain).toBe(1);
});

test("a hand that lets go where it is has ended its choice", () => {
  const history = new History(START);
  history.change({ grain: 2 }, true);
  expect(history.change({ grain: 2 })).toBe(false);
  vi.advanceTimersByTime(5000);
  history.change({ grain: 3 }, true);
  history.undo();
  expect(history.now.grain).toBe(2);
});

test("what came from elsewhere is no choice of the reader's", () => {
  const history = new History(START);
  history.change({ grain: 2 });
  history.amend({ step: 7 });
  expect(history.now).toEqual({ ...START, grain: 2, step: 7 });
  history.undo();
  expect(history.now).toEqual(START);
});

test("remembers two hundred choices", () => {
  const history = new History(START);
  for (let grain = 2; grain < 300; grain += 1) {
    history.change({ grain });
    vi.advanceTimersByTime(1000);
  }
  let count = 0;
  while (history.undo()) count += 1;
  expect(count).toBe(200);
});
