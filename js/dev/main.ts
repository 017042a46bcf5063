/**
 * The explorer on a bare page, answered by a pretended kernel.
 *
 * In the address: stops, size, step, lanes=a,b, panel, theme=light|dark, kind=vector, negative, broken, notice, error, slow=ms.
 */

import type { Question } from "../src/detail";
import type { Request, State } from "../src/film";
import { FIRST_LOOK, stateOf } from "../src/look";
import { render } from "../src/widgets/stage";
import { FakeModel } from "./fake-model";
import { SETUP } from "./setup";
import { makeDetail, makeFilm, makeThumbs, type Recipe } from "./synthetic";

const query = new URLSearchParams(location.search);
const number = (name: string, standard: number) => Number(query.get(name) ?? standard);
const lanes = (query.get("lanes") ?? "proportional")
  .split(",")
  .map((rule) => ({ rule, parameters: rule === "proportional" ? { power: 1 } : {}, plan: {} }));
const recipe = (state: State, answers: number | null, lane: number): Recipe => ({
  stops: number("stops", 18),
  size: number("size", 224),
  kind: query.get("kind") === "vector" ? "vector" : "picture",
  negative: query.has("negative"),
  broken: query.has("broken"),
  state,
  answers,
  lane,
});

document.body.dataset.jpThemeLight = String(query.get("theme") !== "dark");
const notice = "The network was in training mode; it is explained in eval mode.";
const first = { ...FIRST_LOOK, target: 0, lanes };
const model = new FakeModel({
  setup: { ...SETUP, notices: query.has("notice") ? [notice] : [] },
  thumbs: query.get("kind") === "vector" ? new DataView(new ArrayBuffer(0)) : makeThumbs(7),
  put: {
    seq: 1,
    look: {
      ...first,
      step: number("step", 15),
      panel: query.get("panel") ?? "maps",
      unit: query.has("unit") ? { frame: number("step", 15), at: [37, 5, 6] } : null,
    },
  },
});
let timer: ReturnType<typeof setTimeout> | undefined;
model.onMessage = (message) => {
  if (message.type === "hello") {
    setTimeout(() => {
      lanes.forEach((_, lane) => {
        model.film(makeFilm(recipe(stateOf(first, lane), null, lane)));
      });
    }, 0);
  }
  if (message.type === "ask") {
    setTimeout(
      () =>
        model.message(
          { type: "detail", seq: message.seq },
          makeDetail(message.question as Question),
        ),
      number("slow", 300),
    );
  }
};
model.on("change:request", () => {
  const request = model.get("request") as unknown as Request;
  const { seq, wanted } = request;
  clearTimeout(timer);
  model.put({ progress: { seq, lane: wanted[0] ?? 0, stage: "walk", done: 7, total: 20 } });
  timer = setTimeout(
    () => {
      model.put({ progress: {} });
      for (const lane of wanted) {
        model.film(makeFilm(recipe(stateOf({ ...first, ...request }, lane), seq, lane)));
      }
    },
    number("slow", 300),
  );
});
model.on("change:cancel", () => {
  clearTimeout(timer);
  model.put({ progress: {} });
});

const place = document.getElementById("place");
if (place) render({ model, el: place });
if (query.has("error")) {
  model.put({
    error: {
      seq: null,
      lane: null,
      title: "NoRule",
      message: 'no rule "proportional" for aten.softmax.int, needed at node "blocks_3_softmax"',
      traceback: 'Traceback (most recent call last):\n  File "walk.py", line 12\nNoRule: ...',
    },
  });
}
Object.assign(globalThis, { model });
