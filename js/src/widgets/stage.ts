/** The stage of the explorer as a widget: traits in, traits out. Whatever `render` starts, the function it returns stops. */

import type { RenderProps } from "@anywidget/types";
import type { StageTraits } from "../contract";
import { openDoor } from "../door";
import { explorerView } from "../explorer-view";
import type { Thumbs } from "../film";
import { currentTheme, followTheme } from "../theme";
import { decodeThumbs } from "../wire";
import { follow, type Model } from "./model";
import { sceneOf } from "./scene";
import { readSetup } from "./traits";
import "../styles/explorer.css";

type Props = Pick<RenderProps<StageTraits>, "el"> & { model: Model };

export function render({ model, el }: Props): () => void {
  const scene = sceneOf(model, el);
  const { player, session } = scene;
  const view = explorerView({
    player,
    session,
    onLook: (change, passing) => session.change(change, passing),
  });
  let setup = readSetup(model.get("setup"));
  let thumbs = readThumbs(model.get("thumbs"));
  let theme = currentTheme();
  /** Widgets beside this one that look at what it shows. */
  const followers = new Set<() => void>();

  function tell() {
    for (const follower of [...followers]) follower();
  }

  function paint() {
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
  el.append(view.node);
  const leave = scene.enter({
    model,
    node: el,
    paint,
    paintStep() {
      view.paintStep();
      tell();
    },
  });
  const closeDoor = openDoor(model.get("key"), {
    node: view.node,
    look: () => session.look,
    film: () => session.film,
    change(look, passing) {
      if (look.step !== undefined) scene.forgetPlace();
      if (player.playing) player.pause();
      session.change(look, passing);
    },
    pick: view.pick,
    focusPictures: view.focusPictures,
    follow(onChange) {
      followers.add(onChange);
      return () => followers.delete(onChange);
    },
  });

  return () => {
    closeDoor();
    for (const stop of stopFollowing) stop();
    leave();
    view.destroy();
    view.node.remove();
  };
}

function readThumbs(data: DataView | undefined): Thumbs | null {
  return data && data.byteLength > 0 ? decodeThumbs(data) : null;
}

export default { render };
