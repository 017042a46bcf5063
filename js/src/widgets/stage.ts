/** The stage of the explorer as a widget: traits in, traits out. Whatever `render` starts, the function it returns stops. */

import type { RenderProps } from "@anywidget/types";
import type { StageTraits } from "../contract";
import { openDoor } from "../door";
import { explorerView } from "../explorer-view";
import { type Film, type Stop, stopAt, type Thumbs } from "../film";
import { Player } from "../player";
import { currentTheme, followTheme } from "../theme";
import { decodeThumbs } from "../wire";
import { follow, type Model } from "./model";
import { Session } from "./session";
import { readSetup } from "./traits";
import "../styles/explorer.css";

type Props = Pick<RenderProps<StageTraits>, "el"> & { model: Model };

export function render({ model, el }: Props): () => void {
  const session = new Session(model, { onFilm: turnTo, onChange: paint });
  // The player counts stops, the look counts frames: a stop more or less in a level moves neither.
  const player = new Player({ onMove: walk, onRest: () => session.rest() });
  const view = explorerView({
    player,
    session,
    onLook: (change, passing) => session.change(change, passing),
  });
  let setup = readSetup(model.get("setup"));
  let thumbs = readThumbs(model.get("thumbs"));
  let theme = currentTheme();
  /** The node that was looked at, to find it again in the film of another picture, and its step. */
  let place: { node: string; step: number } | null = null;
  let level = session.look.level;
  let walking = false;
  /** Widgets beside this one that look at what it shows. */
  const followers = new Set<() => void>();

  function tell() {
    for (const follower of [...followers]) follower();
  }

  function stops(): Stop[] {
    return session.film?.levels[session.look.level] ?? [];
  }

  function here(): { step: number } {
    return { step: stops()[player.step]?.frame ?? session.look.step };
  }

  /** The player moved: by the clock, by a key, by a hand on the rail. */
  function walk() {
    walking = true;
    session.change(here(), player.moving);
    walking = false;
    place = placeOf(session.film);
    view.paintStep();
    tell();
  }

  function placeOf(film: Film | null) {
    const { step } = session.look;
    const node = film?.frames[step]?.node;
    return node === undefined ? null : { node, step };
  }

  function turnTo(film: Film) {
    // Asked for together with another step, as from Python or by undoing, a film is opened there.
    const stays = place?.step === session.look.step;
    const again = stays ? film.frames.findIndex(({ node }) => node === place?.node) : -1;
    const step = again >= 0 ? again : Math.min(session.look.step, film.frames.length - 1);
    if (step !== session.look.step) session.amend({ step });
    place = placeOf(film);
    player.load(stops().length, stopAt(stops(), step));
  }

  function paint() {
    const { look, film } = session;
    if (film && !walking) {
      const stop = stopAt(stops(), look.step);
      if (level !== look.level || stop !== player.step) player.load(stops().length, stop);
      place = placeOf(film) ?? place;
    }
    level = look.level;
    if (walking) return;
    view.update({ setup, thumbs, theme });
    tell();
  }

  const stopFollowing = [
    follow(model, "setup", () => {
      setup = readSetup(model.get("setup"));
      paint();
    }),
    follow(model, "thumbs", () => {
      thumbs = readThumbs(model.get("thumbs"));
      paint();
    }),
    followTheme((next) => {
      theme = next;
      paint();
    }),
  ];
  session.start();
  el.append(view.node);
  const closeDoor = openDoor(model.get("key"), {
    node: view.node,
    look: () => session.look,
    film: () => session.film,
    change(look, passing) {
      // Who names a step means that one, whatever node was looked at before.
      if (look.step !== undefined) place = null;
      if (player.playing) player.pause();
      session.change(look, passing);
    },
    follow(onChange) {
      followers.add(onChange);
      return () => followers.delete(onChange);
    },
  });

  return () => {
    closeDoor();
    for (const stop of stopFollowing) stop();
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
