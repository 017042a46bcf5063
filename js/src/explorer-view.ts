/** The explorer on a bare page: charts put together, painted from one look at some films. */

import { atlas } from "./charts/atlas";
import { classes } from "./charts/classes";
import { controls } from "./charts/controls";
import { flow } from "./charts/flow";
import { foot } from "./charts/foot";
import { gallery } from "./charts/gallery";
import { inspector } from "./charts/inspector";
import { ledger } from "./charts/ledger";
import { rail } from "./charts/rail";
import { banner, busy, notices, speaker } from "./charts/status";
import { tabs } from "./charts/tabs";
import { toolbar } from "./charts/toolbar";
import { transport } from "./charts/transport";
import { nextAnomaly, triage } from "./charts/triage";
import { waiting } from "./charts/waiting";
import type { Theme } from "./colour";
import type { Question } from "./detail";
import { el } from "./dom";
import { compact } from "./figures";
import type { Film, Setup, Thumbs } from "./film";
import { keyboard } from "./keys";
import type { Look, OnLook, Panel } from "./look";
import { frameAt, inputAt, panesOf } from "./panes";
import type { Player } from "./player";
import type { Talk } from "./talk";

export interface ExplorerView {
  setup: Setup;
  thumbs: Thumbs | null;
  theme: Theme;
}

export interface ExplorerEvents {
  player: Player;
  session: Talk;
  onLook: OnLook;
}

const LEGEND = "ribbon: bias gathered · bars: bias added, root scale";

export function explorerView({ player, session, onLook }: ExplorerEvents) {
  const { details } = session;
  const ask = (question: Question) => details.ask(question);
  const voice = speaker();
  const say = (text: string) => voice.say(text);
  const top = controls({ onLook, onUpload: (file) => void send(file) });
  const walk = transport({
    onInput: () => step(() => player.go(player.count - 1)),
    onOutput: () => step(() => player.go(0)),
    onToward: () => step(() => player.go(player.step + 1)),
    onBack: () => step(() => player.go(player.step - 1)),
    onPlay: () => player.toggle(),
    onLook,
  });
  const work = busy({ onCancel: () => session.cancel() });
  const wrong = banner({ onDismiss: () => session.dismiss() });
  const notes = notices();
  const tools = toolbar({ onUndo: undo, onRedo: redo, say });
  const track = rail({
    onScrub: (frame, resting) => player.go(stopOf(frame), resting),
    onLook,
  });
  const pictures = gallery({ onLook });
  const sums = ledger();
  const maps = atlas({ onLook, onHover: hover, onMore: ask });
  const equation = inspector({ onLook, onAsk: ask, say });
  const graph = flow({ onLook });
  const health = triage({ onLook });
  const parts = classes({ onLook, onAsk: ask });
  const bottom = foot();
  const legend = el("span", { class: "soft legend" }, LEGEND);
  const first = waiting();
  const panels = tabs<Panel>(
    "What is shown of this step",
    [
      {
        key: "maps",
        label: "feature maps",
        node: el("div", { class: "maps-and-unit" }, maps.node, equation.node),
      },
      { key: "flow", label: "flow", node: graph.node },
      { key: "triage", label: "triage", node: health.node },
      { key: "classes", label: "classes", node: parts.node },
    ],
    (panel) => onLook({ panel }),
  );
  const stage = el(
    "div",
    { class: "stage" },
    el("div", { class: "rail-box" }, track.node),
    el("div", { class: "columns" }, pictures.node, sums.node),
    panels.node,
  );
  const node = el(
    "div",
    { class: "bbp", role: "group", "aria-label": "Bias backpropagation explorer" },
    el(
      "div",
      { class: "body" },
      notes.node,
      top.node,
      el(
        "div",
        { class: "between" },
        el("div", { class: "says" }, legend, work.node),
        tools.node,
        walk.node,
      ),
      tools.byHand,
      wrong.node,
      first.node,
      stage,
      bottom.node,
      voice.node,
    ),
  );
  let view: ExplorerView | null = null;
  let hovered: Look["unit"] = null;

  function stopOf(frame: number): number {
    const stops = session.film?.levels[session.look.level] ?? [];
    const found = stops.findIndex((stop) => stop.frame >= frame);
    return found < 0 ? stops.length - 1 : found;
  }

  async function send(file: File) {
    if (!session.upload(file.name, await file.arrayBuffer()))
      say("there is no kernel to explain it");
  }

  function undo() {
    session.undo();
    say("undone");
  }

  function redo() {
    session.redo();
    say("done again");
  }

  function speak() {
    const { film, look } = session;
    const frame = film && frameAt(film, look.step);
    if (!film || !frame) return;
    const check = frame.exact ? "adds up" : "does not add up";
    const words = track.slider.getAttribute("aria-valuetext") ?? "";
    say(`${words}; gathered ${compact(frame.cut_bias)} of ${compact(film.totals.bias)}, ${check}`);
  }

  function step(by: () => void) {
    by();
    speak();
  }

  function hover(unit: Look["unit"]) {
    hovered = unit;
    paintPictures();
  }

  const stopKeys = keyboard(node, {
    toward: () => step(() => player.go(player.step + 1)),
    back: () => step(() => player.go(player.step - 1)),
    output: () => step(() => player.go(0)),
    input: () => step(() => player.go(player.count - 1)),
    play: () => player.toggle(),
    escape: () => (player.playing ? player.pause() : session.cancel()),
    hurry: (faster) => player.hurry(faster),
    rule: (index) => top.rule(index),
    anomaly: () => {
      const { film, look } = session;
      const next = film ? nextAnomaly(film, look.step) : null;
      if (next === null) return say("nothing out of the ordinary at any step");
      step(() => onLook({ step: next, level: "ops" }));
    },
    undo,
    redo,
  });

  // The keys belong to the rail: a click on paper gives it the focus, a click on a control keeps its own.
  node.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("button, input, label, summary, pre, li, canvas, textarea, [tabindex]"))
      return;
    if (globalThis.getSelection?.()?.isCollapsed === false) return;
    track.slider.focus({ preventScroll: true });
  });

  function paintPictures() {
    const { film, films, look } = session;
    if (!view || !film) return;
    const unit = hovered ?? look.unit;
    pictures.update({ films, look, frame: look.step, theme: view.theme, unit });
  }

  /** What changes from step to step: kept apart, since it runs while playing. */
  function paintStep() {
    const { film, films, look } = session;
    walk.update({
      step: player.step,
      count: player.count,
      playing: player.playing,
      speed: player.speed,
      level: look.level,
    });
    tools.update(session);
    if (!view || !film) return;
    const { theme, setup } = view;
    const frame = look.step;
    track.update({ films, look });
    paintPictures();
    sums.update({ film, frame, level: look.level, target: film.target.label });
    if (look.panel === "maps") {
      const names = channelNames(film, frame, setup);
      maps.update({ film, frame, look, theme, names, more: (question) => details.get(question) });
      const kept = (key: string) => details.units(key);
      equation.update({ film, look, setup, detail: (question) => details.get(question), kept });
    } else if (look.panel === "flow") graph.update({ film, look, theme });
    else if (look.panel === "triage") health.update({ film, other: otherFilm(films, look), look });
    else parts.update({ film, look, setup, detail: (question) => details.get(question) });
  }

  return {
    node,
    paintStep,
    pick: pictures.pick,
    focusPictures: pictures.focus,
    update(next: ExplorerView) {
      view = next;
      const { setup, thumbs } = next;
      const { film, films, look, working } = session;
      node.dataset.theme = next.theme;
      notes.update(setup.notices);
      work.update(session);
      wrong.update(session.failure);
      walk.node.hidden = film === null;
      legend.hidden = film === null;
      stage.hidden = film === null;
      first.update(film === null && session.failure === null, session.progress);
      // No target means the largest score: which one that is, the film of this sample knows.
      const largest = film?.state.sample === look.sample ? (film?.target.index ?? null) : null;
      top.update({ setup, thumbs, look, film, films, aim: look.target ?? largest, working });
      panels.update(look.panel);
      bottom.update({
        network: film?.network ?? setup.network,
        precision: film?.precision ?? "",
        steps: (film?.frames.length ?? 1) - 1,
      });
      paintStep();
    },
    destroy() {
      stopKeys();
      const all = [top, work, voice, track, pictures, sums, maps, equation, graph, health, parts];
      for (const part of all) part.destroy();
    },
  };
}

/** The lane that is compared with the active one: the one that is subtracted, else the next that is there. */
function otherFilm(films: (Film | null)[], look: Look): Film | null {
  if (look.difference !== null) return films[look.difference] ?? null;
  return films.find((film, lane) => film !== null && lane !== look.lane) ?? null;
}

/** Only the two ends have channels with names: the classes, and the features of a table. */
function channelNames(film: Film, frame: number, setup: Setup): string[] | null {
  if (frame === 0) return setup.classes;
  const place = inputAt(film, frame);
  const input = place === null ? null : panesOf(film)[place]?.input;
  return input?.kind === "vector" ? input.names : null;
}
