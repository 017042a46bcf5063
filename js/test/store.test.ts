import { expect, test } from "vitest";
import type { State } from "../src/film";
import { FilmStore } from "../src/store";
import { FIRST, film } from "./helpers";

const withRule = (rule: string): State => ({ ...FIRST, rule });

test("a film is found by its own state and by the words it was asked for in", () => {
  const store = new FilmStore();
  const state = { ...FIRST, parameters: { relative: true, power: 1 } };
  const shown = film({ state });
  store.put(shown, FIRST);
  expect(store.find(state)).toBe(shown);
  expect(store.find({ ...state, parameters: { power: 1, relative: true } })).toBe(shown);
  expect(store.find(FIRST)).toBe(shown);
  expect(store.find(withRule("uniform"))).toBeNull();
});

test("no target means the largest score, of that sample", () => {
  const store = new FilmStore();
  store.put(film(), null);
  expect(store.find({ ...FIRST, target: null })).not.toBeNull();
  expect(store.find({ ...FIRST, target: null, sample: 1 })).toBeNull();
});

test("keeps what was looked at last, within its bound", () => {
  const films = ["uniform", "softmax", "winner"].map((rule) => film({ state: withRule(rule) }));
  const store = new FilmStore((films[0]?.bytes ?? 0) * 2.5);
  for (const one of films.slice(0, 2)) store.put(one, null);
  store.find(withRule("uniform"));
  for (const one of films.slice(2)) store.put(one, null);
  expect(store.find(withRule("softmax"))).toBeNull();
  expect(store.find(withRule("uniform"))).toBe(films[0]);
  expect(store.find(withRule("winner"))).toBe(films[2]);
});

test("numbers alone never take the place of a whole film", () => {
  const store = new FilmStore();
  const whole = film();
  store.put(film({ part: "numbers" }), null);
  expect(store.find(FIRST)?.part).toBe("numbers");
  store.put(whole, null);
  store.put(film({ part: "numbers" }), null);
  expect(store.find(FIRST)).toBe(whole);
});

test("a plan is part of the question", () => {
  const store = new FilmStore();
  const plan = { conv1: { rule: "uniform", parameters: {} } };
  store.put(film({ state: { ...FIRST, plan } }), null);
  expect(store.find(FIRST)).toBeNull();
  expect(store.find({ ...FIRST, plan })).not.toBeNull();
});
