/** The stage of the explorer as a widget: traits in, traits out. Whatever `render` starts, the function it returns stops. */

import type { RenderProps } from "@anywidget/types";
import type { StageTraits } from "../contract";
import { explorerView } from "../explorer-view";
import type { Film, Thumbs } from "../film";
import { Player } from "../player";
import { currentTheme, followTheme } from "../theme";
import { decodeThumbs } from "../wire";
import { follow, type Model, write } from "./model";
import { Session } from "./session";
import { readJump, readSetup } from "./traits";
import "../styles/explorer.css";

type Props = Pick<RenderProps<StageTraits>, "el"> & { model: Model };

export function render({ model, el }: Props): () => void {
  const player = new Player({
    onMove: () => {
      view.paintStep();
      place = nameHere();
    },
    onRest: (step) => write(model, { step }),
  });
  const session = new Session(model, { onFilm: turnTo, onChange: paint });
  const view = explorerView({
    player,
    onAsk: (change) => session.ask(change),
    onCancel: () => session.cancel(),
    onDismiss: () => session.dismiss(),
  });
  let setup = readSetup(model.get("setup"));
  let thumbs = readThumbs(model.get("thumbs"));
  let theme = currentTheme();
  // A page opened again goes on where it was; a fresh one starts where Python says.
  let first: number | null = model.get("step") || (readJump(model.get("jump")) ?? 0);
  let place: string | null = null;

  /** A new film is looked at from the same stop: by its name, else by its number. */
  function turnTo(film: Film) {
    const named = film.frames.findIndex((frame) => frame.name === place);
    player.load(film.frames.length, named >= 0 ? named : (first ?? player.step));
    first = null;
    place = nameHere();
  }

  function nameHere(): string | null {
    return session.film?.frames[player.step]?.name ?? null;
  }

  function paint() {
    const { film, state, busy, progress, cancellable, failure } = session;
    view.update({ setup, thumbs, film, state, busy, progress, cancellable, failure, theme });
  }

  function jump() {
    const step = readJump(model.get("jump"));
    if (step === null) return;
    if (session.film) player.go(step);
    else first = step;
  }

  const stops = [
    follow(model, "setup", () => {
      setup = readSetup(model.get("setup"));
      paint();
    }),
    follow(model, "thumbs", () => {
      thumbs = readThumbs(model.get("thumbs"));
      paint();
    }),
    follow(model, "jump", jump),
    followTheme((next) => {
      theme = next;
      paint();
    }),
  ];
  session.start();
  el.append(view.node);

  return () => {
    for (const stop of stops) stop();
    session.stop();
    player.destroy();
    view.destroy();
    view.node.remove();
  };
}

function readThumbs(data: DataView | undefined): Thumbs | null {
  return data && data.byteLength > 0 ? decodeThumbs(data) : null;
}

export default { render };
