/**
 * The explorer on a bare page, answered by a pretended kernel.
 *
 * In the address: stops, size, step, theme=light|dark, kind=vector, negative, broken, notice, error, slow=ms.
 */

import type { Request, State } from "../src/film";
import { render } from "../src/widgets/stage";
import { FakeModel } from "./fake-model";
import { SETUP } from "./setup";
import { makeFilm, makeThumbs, type Recipe } from "./synthetic";

const query = new URLSearchParams(location.search);
const number = (name: string, standard: number) => Number(query.get(name) ?? standard);
const state: State = {
  sample: 0,
  target: 0,
  versus: null,
  rule: "proportional",
  parameters: { power: 1 },
};
const recipe = (next: State, answers: number | null): Recipe => ({
  stops: number("stops", 18),
  size: number("size", 224),
  kind: query.get("kind") === "vector" ? "vector" : "picture",
  negative: query.has("negative"),
  broken: query.has("broken"),
  state: next,
  answers,
});

document.body.dataset.jpThemeLight = String(query.get("theme") !== "dark");
const notice = "The network was in training mode; it is explained in eval mode.";
const model = new FakeModel({
  setup: { ...SETUP, notices: query.has("notice") ? [notice] : [] },
  thumbs: query.get("kind") === "vector" ? new DataView(new ArrayBuffer(0)) : makeThumbs(7),
  film: makeFilm(recipe(state, null)),
  step: number("step", 9),
});
if (query.has("error")) {
  model.send({
    error: {
      seq: null,
      title: "NoRule",
      message: 'no rule "proportional" for aten.softmax.int, needed at node "blocks_3_softmax"',
      traceback: 'Traceback (most recent call last):\n  File "walk.py", line 12\nNoRule: ...',
    },
  });
}

let timer: ReturnType<typeof setTimeout> | undefined;
model.on("change:request", () => {
  const request = model.get("request") as unknown as Request;
  const { seq, ...next } = request;
  clearTimeout(timer);
  model.send({ progress: { seq, stage: "walk", done: 7, total: 20 } });
  timer = setTimeout(
    () => {
      model.send({ progress: {}, film: makeFilm(recipe(next, seq)) });
    },
    number("slow", 300),
  );
});
model.on("change:cancel", () => {
  clearTimeout(timer);
  model.send({ progress: {} });
});

const place = document.getElementById("place");
if (place) render({ model, el: place });
Object.assign(globalThis, { model });
