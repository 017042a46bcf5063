/** The explorer on a bare page: charts put together, painted from one plain view, knowing no widget model. */

import { atlas } from "./charts/atlas";
import { controls } from "./charts/controls";
import { foot } from "./charts/foot";
import { gallery } from "./charts/gallery";
import { ledger } from "./charts/ledger";
import { describeStep, rail } from "./charts/rail";
import { banner, busy, notices, speaker } from "./charts/status";
import { transport } from "./charts/transport";
import type { Theme } from "./colour";
import { el } from "./dom";
import { compact } from "./figures";
import type { Failure, Film, Progress, Setup, State, Thumbs } from "./film";
import { keyboard } from "./keys";
import type { Player } from "./player";

export interface ExplorerView {
  setup: Setup;
  thumbs: Thumbs | null;
  film: Film | null;
  state: State | null;
  busy: boolean;
  progress: Progress | null;
  cancellable: boolean;
  failure: Failure | null;
  theme: Theme;
}

export interface ExplorerEvents {
  player: Player;
  onAsk(change: Partial<State>): void;
  onCancel(): void;
  onDismiss(): void;
}

const LEGEND = "ribbon: bias gathered on the way · bars: added by each layer, root scale";

export function explorerView({ player, onAsk, onCancel, onDismiss }: ExplorerEvents) {
  const top = controls({ onAsk });
  const walk = transport({
    onInput: () => step(() => player.go(player.count - 1)),
    onOutput: () => step(() => player.go(0)),
    onToward: () => step(() => player.go(player.step + 1)),
    onBack: () => step(() => player.go(player.step - 1)),
    onPlay: () => player.toggle(),
  });
  const work = busy({ onCancel });
  const wrong = banner({ onDismiss });
  const notes = notices();
  const voice = speaker();
  const track = rail({ onScrub: (step, resting) => player.go(step, resting) });
  const pictures = gallery();
  const sums = ledger();
  const maps = atlas();
  const bottom = foot();
  const legend = el("span", { class: "soft legend" }, LEGEND);
  const waiting = el("p", { class: "bbp-waiting soft" }, "Waiting for the first film.");
  const stage = el(
    "div",
    { class: "stage" },
    el("div", { class: "rail-box" }, track.node),
    el("div", { class: "columns" }, pictures.node, sums.node, maps.node),
  );
  const node = el(
    "div",
    { class: "bbp", role: "group", "aria-label": "Bias backpropagation explorer" },
    el(
      "div",
      { class: "body" },
      notes.node,
      top.node,
      el("div", { class: "between" }, el("div", { class: "says" }, legend, work.node), walk.node),
      wrong.node,
      waiting,
      stage,
      bottom.node,
      voice.node,
    ),
  );
  let view: ExplorerView | null = null;

  function speak() {
    const film = view?.film;
    const frame = film?.frames[player.step];
    if (!film || !frame) return;
    const check = frame.exact ? "adds up" : "does not add up";
    voice.say(
      `${describeStep(film, player.step)}; gathered ${compact(frame.cut_bias)} of ${compact(film.totals.bias)}, ${check}`,
    );
  }

  function step(by: () => void) {
    by();
    speak();
  }

  const stopKeys = keyboard(node, {
    toward: () => step(() => player.go(player.step + 1)),
    back: () => step(() => player.go(player.step - 1)),
    output: () => step(() => player.go(0)),
    input: () => step(() => player.go(player.count - 1)),
    play: () => player.toggle(),
    escape: () => (player.playing ? player.pause() : onCancel()),
    hurry: (faster) => player.hurry(faster),
    rule: (index) => top.rule(index),
  });

  // The keys belong to the rail: a click on paper gives it the focus, a click on a control keeps its own.
  node.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("button, input, label, summary, pre, li")) return;
    if (globalThis.getSelection?.()?.isCollapsed === false) return;
    track.node.focus({ preventScroll: true });
  });

  /** What changes from step to step: kept apart, since it runs while playing. */
  function paintStep() {
    const film = view?.film;
    const frame = film?.frames[player.step];
    walk.update(player);
    if (!view || !film || !frame) return;
    const { theme, setup } = view;
    track.update({ film, step: player.step });
    pictures.update({ film, frame, theme });
    sums.update({ film, step: player.step, target: film.target.label });
    maps.update({ frame, theme, names: channelNames(film, player.step, setup) });
  }

  return {
    node,
    paintStep,
    update(next: ExplorerView) {
      view = next;
      const { setup, thumbs, film, state } = next;
      node.dataset.theme = next.theme;
      notes.update(setup.notices);
      work.update(next);
      wrong.update(next.failure);
      top.node.hidden = state === null;
      walk.node.hidden = film === null;
      legend.hidden = film === null;
      stage.hidden = film === null;
      waiting.hidden = film !== null || next.failure !== null;
      // While another sample is on its way the chips of the one that is seen stay.
      const scores = film?.scores ?? [];
      // No target means the largest score: which one that is, the film of this sample knows.
      const largest = film?.state.sample === state?.sample ? (film?.target.index ?? null) : null;
      if (state) top.update({ setup, thumbs, state, scores, aim: state.target ?? largest });
      const network = film?.network ?? setup.network;
      bottom.update({
        network,
        precision: film?.precision ?? "",
        steps: (film?.frames.length ?? 1) - 1,
      });
      paintStep();
    },
    destroy() {
      stopKeys();
      for (const part of [top, work, voice, track, pictures, sums, maps]) part.destroy();
    },
  };
}

/** Only the two ends have channels with names: the classes, and the features of a table. */
function channelNames(film: Film, step: number, setup: Setup): string[] | null {
  if (step === 0) return setup.classes;
  const atInput = step === film.frames.length - 1;
  return atInput && film.input.kind === "vector" ? film.input.names : null;
}
