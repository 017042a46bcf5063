import { describe, expect, test, vi } from "vitest";
import { FakeKernel, type FakeModel } from "../dev/fake-model";
import { makeDetail, makeKept } from "../dev/synthetic";
import type { Question } from "../src/detail";
import { FIRST_LOOK, type Look, stateOf } from "../src/look";
import { Session } from "../src/widgets/session";
import { answer, asked, blob, FIRST, film, LANE, lastRequest, model, requests } from "./helpers";

const lane = (rule: string) => ({ rule, parameters: {}, plan: {} });
const UNIFORM = lane("uniform");
const WINNER = lane("winner");

function talk(made: FakeModel = model(), first: DataView | null = blob()) {
  const onFilm = vi.fn();
  const onChange = vi.fn();
  const session = new Session(made, { onFilm, onChange });
  session.start();
  if (first) made.film(first);
  return { model: made, session, onFilm, onChange };
}

/** A session in a host that shows its kernel, as JupyterLab does. */
function inLab() {
  const made = model();
  const kernel = new FakeKernel();
  made.widget_manager = { kernel };
  const node = document.createElement("div");
  const session = new Session(made, { onFilm: vi.fn(), onChange: vi.fn() }, node);
  session.start();
  made.film(blob());
  return { kernel, model: made, node, session };
}

const rulesOf = (session: Session) => session.films.map((one) => one?.state.rule ?? null);

describe("asking", () => {
  test("says hello, and shows the film that comes", () => {
    const { model, session, onFilm } = talk();
    expect(model.sent).toEqual([{ type: "hello" }]);
    expect(session.film?.key).toBe(film().key);
    expect(onFilm).toHaveBeenCalledTimes(1);
    expect(requests(model)).toEqual([]);
  });

  test("writes the whole question under a new number, and which lanes it wants", () => {
    const { model, session } = talk();
    session.change({ target: 2 });
    const aim = { sample: 0, target: 2, versus: null };
    expect(requests(model)).toEqual([{ seq: 1, ...aim, lanes: [LANE], wanted: [0] }]);
    expect(session.film?.target.index).toBe(0);
    answer(model);
    expect(session.film?.target.index).toBe(2);
    expect(session.busy).toBe(false);
  });

  test("an answer to an older question is kept and not shown", () => {
    const { model, session } = talk();
    session.change({ target: 1 });
    const older = lastRequest(model);
    session.change({ target: 2 });
    answer(model, older);
    expect(session.film?.target.index).toBe(0);
    expect(session.look.target).toBe(2);
    answer(model);
    session.change({ target: 1 });
    expect(requests(model)).toHaveLength(2);
    expect(session.film?.target.index).toBe(1);
  });

  test("a hand on a slider asks nothing until it rests", () => {
    const { model, session } = talk();
    session.change({ lanes: [{ ...LANE, parameters: { power: 2 } }] }, true);
    session.change({ lanes: [{ ...LANE, parameters: { power: 3 } }] }, true);
    expect(requests(model)).toEqual([]);
    session.change({ lanes: [{ ...LANE, parameters: { power: 4 } }] });
    expect(requests(model)).toHaveLength(1);
  });

  test("what has been seen needs no kernel, and calls off what is under way", () => {
    const { model, session } = talk();
    session.change({ lanes: [UNIFORM] });
    answer(model);
    session.change({ lanes: [LANE] });
    expect(requests(model)).toHaveLength(1);
    expect(model.get("shown")).toEqual({ ...FIRST, key: film().key });
    session.change({ lanes: [WINNER] });
    const late = lastRequest(model);
    session.change({ lanes: [UNIFORM] });
    expect(model.get("cancel")).toBe(late.seq);
    answer(model, late);
    expect(rulesOf(session)).toEqual(["uniform"]);
  });

  test("no target is the largest score of that sample, known the second time", () => {
    const { model, session } = talk();
    session.change({ sample: 1, target: null });
    answer(model);
    session.change({ sample: 0, target: 0 });
    session.change({ sample: 1, target: null });
    expect(requests(model)).toHaveLength(1);
    expect(session.film?.state.sample).toBe(1);
  });

  test("numbers come first, and the whole film takes their place", () => {
    const { model, session } = talk();
    session.change({ lanes: [UNIFORM] });
    const request = lastRequest(model);
    answer(model, request, { part: "numbers" });
    expect(session.film?.part).toBe("numbers");
    expect(session.busy).toBe(true);
    answer(model);
    expect(session.film?.part).toBe("whole");
    expect(session.busy).toBe(false);
    answer(model, request, { part: "numbers" });
    expect(session.film?.part).toBe("whole");
  });
});

describe("lanes", () => {
  test("only what is missing is asked for, and shown as it comes", () => {
    const { model, session } = talk();
    session.change({ lanes: [LANE, UNIFORM, WINNER] });
    const request = lastRequest(model);
    expect(request.wanted).toEqual([1, 2]);
    expect(session.working).toEqual([1, 2]);
    expect(rulesOf(session)).toEqual(["proportional", null, null]);
    answer(model, { ...request, wanted: [2] });
    expect(rulesOf(session)).toEqual(["proportional", null, "winner"]);
    expect(session.working).toEqual([1]);
    answer(model, { ...request, wanted: [1] });
    expect(rulesOf(session)).toEqual(["proportional", "uniform", "winner"]);
    expect(session.busy).toBe(false);
  });

  test("the last good film stands in for the active lane until its own is there", () => {
    const { model, session } = talk();
    session.change({ lanes: [LANE, UNIFORM], lane: 1 });
    expect(rulesOf(session)).toEqual(["proportional", "proportional"]);
    answer(model);
    expect(rulesOf(session)).toEqual(["proportional", "uniform"]);
  });

  test("films of two samples never stand side by side", () => {
    const { model, session } = talk();
    session.change({ lanes: [LANE, UNIFORM] });
    answer(model);
    session.change({ sample: 1 });
    const request = lastRequest(model);
    answer(model, { ...request, wanted: [1] });
    expect(session.films.map((one) => one?.state.sample ?? null)).toEqual([0, null]);
    answer(model, { ...request, wanted: [0] });
    expect(session.films.map((one) => one?.state.sample)).toEqual([1, 1]);
  });

  test("a lane that fails goes, and those that are there stay", () => {
    const { model, session } = talk();
    session.change({ lanes: [LANE, UNIFORM, WINNER], lane: 1 });
    answer(model, { ...lastRequest(model), wanted: [1] });
    model.put({ error: { seq: 1, lane: null, title: "NoRule", message: "no", traceback: "" } });
    expect(session.failure?.message).toBe("no");
    expect(session.look.lanes).toEqual([LANE, UNIFORM]);
    expect(session.look.lane).toBe(1);
  });

  test("a lane that fails by itself goes alone", () => {
    const { model, session } = talk();
    session.change({ lanes: [LANE, UNIFORM, WINNER], lane: 1 });
    const request = lastRequest(model);
    model.put({ error: { seq: 1, lane: 1, title: "NoRule", message: "no", traceback: "" } });
    expect(session.look).toMatchObject({ lanes: [LANE, WINNER], lane: 1 });
    expect(session.busy).toBe(true);
    answer(model, { ...request, wanted: [2] });
    expect(rulesOf(session)).toEqual(["proportional", "winner"]);
    expect(session.busy).toBe(false);
    expect(session.failure?.message).toBe("no");
  });

  test("a plan is another question", () => {
    const { model, session } = talk();
    const plan = { conv1: { rule: "uniform", parameters: {} } };
    session.change({ lanes: [{ ...LANE, plan }] });
    expect(requests(model)).toHaveLength(1);
    answer(model);
    session.change({ lanes: [LANE] });
    session.change({ lanes: [{ ...LANE, plan }] });
    expect(requests(model)).toHaveLength(1);
    expect(session.film?.state.plan).toEqual(plan);
  });
});

describe("undo", () => {
  test("goes back through questions without the kernel, and forth again", () => {
    const { model, session } = talk();
    session.change({ target: 2 });
    answer(model);
    session.change({ grain: 8 });
    session.undo();
    expect(session.look.grain).toBe(1);
    session.undo();
    expect(session.film?.target.index).toBe(0);
    expect(session.canUndo).toBe(false);
    session.redo();
    session.redo();
    expect(session.film?.target.index).toBe(2);
    expect(session.look.grain).toBe(8);
    expect(session.canRedo).toBe(false);
    expect(requests(model)).toHaveLength(1);
  });

  test("a walk is one step back, and so is a drag", () => {
    const { session } = talk();
    session.change({ grain: 4 });
    for (const step of [1, 2, 3]) {
      session.change({ step });
      vi.advanceTimersByTime(2000);
    }
    for (const overlay of [0.5, 0.4, 0.3]) session.change({ overlay }, true);
    session.undo();
    expect(session.look).toMatchObject({ step: 3, overlay: 0.65, grain: 4 });
    session.undo();
    expect(session.look).toMatchObject({ step: 0, grain: 4 });
    session.undo();
    expect(session.look.grain).toBe(1);
  });
});

describe("Python", () => {
  test("hears of a slider that was let go where it stood", () => {
    const { model, session } = talk();
    session.change({ overlay: 0.2 }, true);
    vi.advanceTimersByTime(1000);
    expect(model.get("look")).toEqual({});
    session.change({ overlay: 0.2 });
    vi.advanceTimersByTime(200);
    expect(model.get("look")).toMatchObject({ overlay: 0.2 });
  });

  test("hears of the look once it rests", () => {
    const { model, session } = talk();
    session.change({ step: 1 }, true);
    session.change({ step: 2 }, true);
    vi.advanceTimersByTime(1000);
    expect(model.get("look")).toEqual({});
    session.change({ step: 3 });
    vi.advanceTimersByTime(199);
    expect(model.get("look")).toEqual({});
    vi.advanceTimersByTime(1);
    expect(model.get("look")).toEqual({ ...session.look, put: 0 });
  });

  test("asks to look elsewhere, and its film is awaited", () => {
    const { model, session } = talk();
    session.change({ target: 3 });
    const question = { sample: 1, target: 1, versus: null, lanes: [UNIFORM] };
    model.put({ put: { seq: 5, look: { ...question, grain: 8, scale: "nonsense" } } });
    expect(session.look).toMatchObject({ ...question, grain: 8, scale: "each" });
    expect(session.film?.state).toEqual(FIRST);
    model.film(blob({ state: stateOf({ ...FIRST_LOOK, ...question } as Look), answers: null }));
    expect(session.film?.state.rule).toBe("uniform");
    expect(requests(model)).toHaveLength(1);
  });

  test("may begin a film by itself, which the reader's own question outlives", () => {
    const { model, session } = talk();
    model.film(blob({ state: { ...FIRST, rule: "softmin", target: 4 } }));
    expect(session.look).toMatchObject({ target: 4 });
    expect(rulesOf(session)).toEqual(["softmin"]);
    session.change({ lanes: [WINNER] });
    model.film(blob({ state: { ...FIRST, rule: "uniform" } }));
    expect(rulesOf(session)).toEqual(["softmin"]);
    answer(model);
    expect(rulesOf(session)).toEqual(["winner"]);
  });

  test("an error of an older question is not told", () => {
    const { model, session } = talk();
    session.change({ target: 1 });
    const error = { lane: null, title: "NoRule", message: "no rule", traceback: "" };
    model.put({ error: { seq: 0, ...error } });
    expect(session.failure).toBeNull();
    model.put({ error: { seq: 1, ...error } });
    expect(session.failure?.message).toBe("no rule");
    expect(session.look.target).toBe(0);
    model.put({ error: {} });
    expect(session.failure).toBeNull();
  });

  test("cancelling goes back, and nothing that comes late is shown", () => {
    const { model, session } = talk();
    session.change({ lanes: [WINNER] });
    session.cancel();
    expect(model.get("cancel")).toBe(1);
    expect(session.look.lanes).toEqual([LANE]);
    model.put({ progress: { seq: 1, lane: 0, stage: "walk", done: 1, total: 2 } });
    expect(session.busy).toBe(false);
    answer(model);
    expect(rulesOf(session)).toEqual(["proportional"]);
  });

  test("a film that cannot be read is told, and the last one stays", () => {
    const { model, session } = talk();
    model.film(new DataView(new ArrayBuffer(3)));
    expect(session.failure?.message).toContain("wanted at least 4 bytes, got 3");
    expect(session.film?.key).toBe(film().key);
  });

  test("two views of one model hear each other's questions and answers", () => {
    const one = talk();
    const two = talk(one.model);
    one.session.change({ target: 2 });
    expect(two.session.look.target).toBe(2);
    expect(two.session.busy).toBe(true);
    answer(one.model);
    expect(two.session.film?.target.index).toBe(2);
    two.session.change({ target: 3 });
    expect(lastRequest(one.model).seq).toBe(2);
    two.session.cancel();
    expect(one.session.look.target).toBe(2);
  });
});

describe("details", () => {
  const question: Question = { kind: "unit", film: film().key, frame: 3, unit: [1, 2, 3] };

  test("are asked once, and kept", () => {
    const { model, session } = talk();
    expect(session.details.get(question)).toBeNull();
    session.details.ask(question);
    session.details.ask({ ...question });
    expect(asked(model)).toEqual([{ type: "ask", seq: 1, question }]);
    expect(session.details.get(question)).toEqual({ state: "asked" });
    const whole = makeDetail(question);
    const message = { type: "detail", seq: 1, bytes: whole.byteLength };
    model.message(message, new DataView(new ArrayBuffer(37))); // torn on its way
    expect(session.details.get(question)).toEqual({ state: "asked" });
    model.message(message, whole);
    expect(session.details.get(question)).toMatchObject({
      state: "here",
      answer: { kind: "unit", unit: [1, 2, 3], gives: { count: 288 } },
    });
    session.details.ask(question);
    expect(asked(model)).toHaveLength(1);
  });

  test("a newer question about the same film lets an older one go", () => {
    const { model, session } = talk();
    session.details.ask(question);
    const newer = { ...question, unit: [0, 0, 0] };
    session.details.ask(newer);
    expect(session.details.get(question)).toBeNull();
    model.message({ type: "detail", seq: 2 }, makeDetail(newer));
    expect(session.details.get(newer)?.state).toBe("here");
  });

  test("say why there is none, and may be asked for again", () => {
    const { model, session } = talk();
    session.details.ask(question);
    const error = {
      seq: null,
      lane: null,
      title: "KeyError",
      message: "no such node",
      traceback: "",
    };
    model.message({ type: "detail", seq: 1, error });
    const failed = { state: "failed", title: "KeyError", message: "no such node" };
    expect(session.details.get(question)).toEqual(failed);
    session.details.ask(question);
    expect(asked(model)).toHaveLength(2);
  });
});

describe("without a kernel", () => {
  test("silence is told, and a word ends it", () => {
    const { model, session } = talk(undefined, null);
    vi.advanceTimersByTime(4999);
    expect(session.gone).toBeNull();
    vi.advanceTimersByTime(1);
    expect(session.gone).toBe("silent");
    model.message({ type: "here" });
    expect(session.gone).toBeNull();
  });

  test("a kernel that is silent and has nothing to do is greeted once more: the word was lost", () => {
    const { kernel, model, session } = inLab();
    const greetings = () => model.sent.filter(({ type }) => type === "hello").length;
    kernel.turn("busy");
    session.change({ target: 2 });
    vi.advanceTimersByTime(60_000);
    expect([session.gone, greetings()]).toEqual(["silent", 1]);
    model.message({ type: "here" });
    kernel.turn("idle");
    session.change({ target: 3 });
    vi.advanceTimersByTime(60_000);
    expect([session.gone, greetings()]).toEqual(["silent", 2]);
    model.message({ type: "here" });
    expect(session.gone).toBeNull();
  });

  test("a comm that takes nothing more is told at once, and what was shown is shown again", () => {
    const { model, session } = talk();
    model.dead = true;
    session.change({ target: 2 });
    expect(session.gone).toBe("dead");
    expect(session.failure?.title).toBe("The kernel is gone");
    expect(session.busy).toBe(false);
    expect(session.look.target).toBe(0);
    session.change({ step: 2 });
    expect(session.look.step).toBe(2);
  });

  test("a busy kernel is waited for, one that dies meanwhile is not", () => {
    const { kernel, model, session } = inLab();
    session.change({ lanes: [UNIFORM] });
    answer(model);
    kernel.turn("busy");
    session.change({ lanes: [WINNER] });
    vi.advanceTimersByTime(60_000);
    expect(session.gone).toBe("silent");
    expect(session.working).toEqual([0]);
    expect(session.failure).toBeNull();
    kernel.turn("idle");
    answer(model);
    expect(session.gone).toBeNull();
    expect(rulesOf(session)).toEqual(["winner"]);
    const question: Question = { kind: "parts", sample: 0 };
    session.details.ask(question);
    session.change({ target: 2 });
    model.put({ progress: { seq: 3, lane: 0, stage: "walk", done: 1, total: 2 } });
    kernel.turn("dead");
    expect(session.gone).toBe("dead");
    expect(session.failure?.title).toBe("The kernel is gone");
    expect([session.busy, session.cancellable]).toEqual([false, false]);
    expect(session.look).toMatchObject({ target: 0, lanes: [WINNER] });
    expect(session.details.get(question)).toEqual({ state: "offline" });
    session.change({ lanes: [UNIFORM] });
    expect(rulesOf(session)).toEqual(["uniform"]);
    expect(session.failure?.title).toBe("The kernel is gone");
    const said = model.sent.length;
    session.change({ target: 3 });
    session.details.ask({ kind: "parts", sample: 1 });
    expect(session.upload("cat.png", new ArrayBuffer(1))).toBe(false);
    expect(session.look.target).toBe(0);
    expect(model.sent).toHaveLength(said);
  });

  /** A film's message with the beginning of the next one in its buffer's place, as a kernel that goes writes it. */
  const tear = (made: FakeModel) => {
    const next = new TextEncoder().encode(`comm-${"0".repeat(32)}`);
    made.message({ type: "film", bytes: blob().byteLength }, new DataView(next.buffer));
  };

  test("what is torn on its way is not heard, and the film after it is", () => {
    const { kernel, model, session } = inLab();
    const greetings = () => model.sent.filter(({ type }) => type === "hello").length;
    session.change({ target: 2 });
    model.put({ progress: { seq: 1, lane: 0, stage: "walk", done: 1, total: 2 } });
    tear(model);
    expect([session.failure, session.busy, session.look.target]).toEqual([null, true, 2]);
    model.message({ type: "film", bytes: 9 });
    expect([session.failure, session.busy]).toEqual([null, true]);
    answer(model);
    model.put({ progress: {} });
    expect([session.busy, session.film?.target.index]).toEqual([false, 2]);
    kernel.turn("busy");
    session.change({ target: 3 });
    model.put({ progress: { seq: 2, lane: 0, stage: "walk", done: 1, total: 2 } });
    kernel.turn("idle");
    tear(model);
    vi.advanceTimersByTime(6000); // nobody says anything more: what it was is asked for again
    expect([session.gone, greetings()]).toEqual(["silent", 2]);
    answer(model);
    expect([session.gone, session.film?.target.index]).toEqual([null, 3]);
  });

  test("a kernel that goes is told as that, whatever was torn or failed just before", () => {
    for (const fail of [
      tear,
      (made: FakeModel) => made.film(new DataView(new ArrayBuffer(3))),
      (made: FakeModel) =>
        made.put({ error: { seq: 1, lane: null, title: "x", message: "x", traceback: "" } }),
    ]) {
      const { kernel, model, session } = inLab();
      session.change({ target: 2 });
      fail(model);
      kernel.turn("dead");
      expect(session.failure?.title).toBe("The kernel is gone");
      expect([session.busy, session.look.target]).toEqual([false, 0]);
      tear(model);
      vi.advanceTimersByTime(6000);
      expect(session.gone).toBe("dead");
    }
  });

  test("a kernel that was restarted, or another one, knows nothing of the explorer", () => {
    const { kernel, model, node, session } = inLab();
    session.change({ lanes: [WINNER] });
    kernel.turn("restarting"); // on its way: it may be that of another notebook's words
    expect(session.gone).toBeNull();
    node.className = "jupyter-widgets-disconnected";
    model.tell("comm_live_update");
    expect(session.gone).toBe("restarted");
    expect(session.failure?.title).toBe("The kernel was restarted");
    expect(session.look.lanes).toEqual([LANE]);
    const other = inLab();
    other.kernel.id = "another";
    other.session.change({ lanes: [WINNER] });
    expect(other.session.failure?.title).toBe("The kernel was restarted");
  });

  test("a saved page shows what it was given, and says what it was not", () => {
    const question: Question = { kind: "parts", sample: 0 };
    const films = [blob(), blob({ state: { ...FIRST, ...UNIFORM } })];
    const look = { sample: 0, target: 0, versus: null, lanes: [LANE], grain: 4 };
    const kept = makeKept(films, [makeDetail(question)], look);
    const saved = model({ kept, put: {} });
    saved.send = undefined as unknown as FakeModel["send"];
    const { session } = talk(saved, null);
    expect(session.gone).toBe("saved");
    expect(session.film?.key).toBe(film().key);
    expect(session.look.grain).toBe(4);
    expect(session.details.get(question)).toMatchObject({ state: "here" });
    session.change({ lanes: [UNIFORM] });
    expect(rulesOf(session)).toEqual(["uniform"]);
    session.undo();
    expect(rulesOf(session)).toEqual(["proportional"]);
    session.change({ lanes: [WINNER] });
    expect(session.failure?.title).toBe("Not in this page");
    expect(rulesOf(session)).toEqual(["proportional"]);
    session.change({ step: 1 });
    expect(session.failure?.title).toBe("Not in this page"); // nothing else was asked for
    session.change({ lanes: [UNIFORM] });
    expect(session.failure).toBeNull();
    expect(rulesOf(session)).toEqual(["uniform"]);
    const other: Question = { kind: "parts", sample: 1 };
    session.details.ask(other);
    expect(session.details.get(other)).toEqual({ state: "offline" });
  });
});

describe("opened again on a kernel that goes on", () => {
  const softmax = { rule: "softmax", parameters: { temperature: 1 }, plan: {} };
  const aim = { sample: 0, target: null, versus: null, lanes: [softmax] };
  const whole = {
    ...FIRST,
    target: null,
    ...softmax,
    parameters: { temperature: 1, relative: true },
  };
  const request = { seq: 3, ...aim, wanted: [0] };
  const before = { seq: 2, ...aim, lanes: [LANE], target: 0, wanted: [0] };

  test("the film of a rule whose parameters the page did not write in full is known by its question", () => {
    const { model: made, session } = talk(model({ look: { ...aim, put: 0 }, request }), null);
    expect(session.busy).toBe(false);
    made.film(blob({ state: whole, answers: 3 }));
    expect(rulesOf(session)).toEqual(["softmax"]);
    expect([session.busy, session.canUndo]).toEqual([false, false]);
  });

  test("what was asked for last is shown, though the look of it was never written", () => {
    const look = { ...aim, lanes: [LANE], target: 0, put: 0 };
    const { model: made, session } = talk(model({ look, request }), null);
    made.put({ put: { seq: 1, look: aim } });
    made.film(blob({ state: whole, answers: 3 }));
    expect([rulesOf(session), session.canUndo]).toEqual([["softmax"], false]);
  });

  test("work that is under way is followed, whatever look was written", () => {
    const progress = { seq: 3, lane: 0, stage: "walk", done: 1, total: 2 };
    const look = { ...aim, lanes: [LANE], target: 0, put: 0 };
    const { model: made, session } = talk(model({ look, request, progress }), null);
    made.put({ put: { seq: 1, look: aim } });
    expect([session.working, session.progress?.done]).toEqual([[0], 1]);
    made.film(blob({ state: whole, answers: 3 }));
    made.put({ progress: {} });
    expect([rulesOf(session), session.busy]).toEqual([["softmax"], false]);
  });

  test("an answer to a question before the last one is not taken for it", () => {
    const { model: made, session } = talk(model({ look: { ...aim, put: 0 }, request }), null);
    made.film(blob({ state: { ...FIRST, ...UNIFORM }, answers: before.seq }));
    expect(session.film).toBeNull();
  });

  test("a line that was cut and is there again is greeted: what was said meanwhile is lost", () => {
    const { kernel, model, session } = inLab();
    session.change({ target: 2 });
    kernel.cut();
    expect(model.sent.filter(({ type }) => type === "hello")).toHaveLength(2);
    answer(model);
    expect(session.film?.target.index).toBe(2);
    session.stop();
    expect(kernel.listening).toBe(0);
  });
});

test("another input in the place of one: what is shown stays until its film is there, no older one comes back", () => {
  const { model, session, onFilm } = talk();
  const before = session.film;
  model.message({ type: "forget", sample: 0 });
  expect(session.film).toBe(before);
  model.film(blob({ stops: 5 }));
  expect(onFilm).toHaveBeenCalledTimes(2);
  expect(session.film?.frames.length).not.toBe(before?.frames.length);
  session.change({ lanes: [UNIFORM] });
  answer(model);
  model.message({ type: "forget", sample: 0 });
  session.change({ lanes: [LANE] });
  expect(lastRequest(model).wanted).toEqual([0]);
});
