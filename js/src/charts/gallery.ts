/** The row under the rail: each input with what moves, then the two parts of the answer and their sum. */

import type { Theme } from "../colour";
import { el } from "../dom";
import type { Film } from "../film";
import type { Look, OnLook } from "../look";
import { boxOn, inputAt, lastOf, panesOf, reaches } from "../panes";
import { type Picking, pixelAt, unitAt } from "../pixels";
import { largestOf, shownOf } from "./gallery-shown";
import { galleryTools } from "./gallery-tools";
import { pane } from "./pane";
import type { Place } from "./pointer";
import { speaker } from "./status";

export interface GalleryView {
  films: (Film | null)[];
  look: Look;
  /** The step whose mass lies over the input. */
  frame: number;
  theme: Theme;
  /** The unit at hand: what it sees of each input is framed. */
  unit?: Look["unit"];
}

export function gallery({ onLook }: { onLook: OnLook }) {
  const tools = galleryTools({
    onLook,
    onLay(next) {
      laid = next;
      if (view) draw(view);
    },
  });
  const voice = speaker();
  const first = makePane(0);
  const panes = [first];
  const node = el(
    "section",
    { class: "bbp-gallery", "aria-label": "Input and attributions" },
    first.node,
    tools.node,
  );
  let laid = false;
  let picking: Picking | null = null;
  let view: GalleryView | null = null;

  function makePane(index: number) {
    return pane({
      onLook,
      onRead: tools.read,
      onSay: say,
      onPick: (place, by) => pickPixel(index, place, by) ?? select(index, place),
      onEscape() {
        if (!picking) return false;
        picking.onLeave();
        return true;
      },
    });
  }

  /** Somebody may ask for a pixel of the first input, and take no other; null where nobody asks. */
  function pickPixel(index: number, place: Place, by: "pointer" | "keys"): boolean | null {
    if (!picking) return null;
    const pixel = index === 0 ? pixelAt(activeFilm(), place) : null;
    // Who takes it may be content with it, and want no other.
    if (pixel) picking.onPick(pixel, by);
    return pixel !== null;
  }

  /** Select the unit at a place of an input, or let go of it; at the input its maps are turned to as well. */
  function select(index: number, place: Place): boolean {
    const film = activeFilm();
    const own = film && panesOf(film)[index];
    if (!view || !film || !own) return false;
    const { input } = own;
    const apart = input.kind === "signal" && input.height > 1 && view.look.channels === "apart";
    const at = unitAt(own, place, apart);
    if (!at) return false;
    const frame = lastOf(film) + index;
    const { unit, step } = view.look;
    const again = unit?.frame === frame && unit.at.join() === at.join();
    const turned = inputAt(film, step) === null ? {} : { step: frame };
    onLook({ unit: again ? null : { frame, at }, ...turned });
    return !again;
  }

  function say(text: string) {
    // A place to speak from, only once there is something to say.
    if (!voice.node.isConnected) node.append(voice.node);
    voice.say(text);
  }

  function activeFilm(): Film | null {
    const { films = [], look } = view ?? {};
    return films[look?.lane ?? 0] ?? films.find((one) => one !== null) ?? null;
  }

  function draw({ films, look, theme, unit = null, frame: step }: GalleryView) {
    const film = activeFilm();
    if (!film) return;
    const apart = panesOf(film);
    // The walk ends at all inputs at once.
    const at = Math.min(step, lastOf(film));
    const filmsOf = (place: number) =>
      films.map((one) => (one === null ? null : (panesOf(one)[place] ?? null)));
    const all =
      look.scale !== "shared"
        ? 0
        : Math.max(...apart.map((one, place) => largestOf(shownOf(one, filmsOf(place), look))));
    for (let place = panes.length; place < apart.length; place += 1) {
      const more = makePane(place);
      panes[place - 1]?.node.after(more.node);
      panes.push(more);
    }
    panes.forEach((one, place) => {
      const own = apart[place];
      one.node.hidden = own === undefined;
      const frame = own?.frames[at];
      const start = own?.frames[0];
      if (!own || !frame || !start) return;
      const bare = at < lastOf(film) && !reaches(film, at, place);
      one.update({
        film: own,
        films: filmsOf(place),
        look,
        theme,
        laid,
        all,
        frame: bare ? start : frame,
        entry: lastOf(film) + place,
        box: boxOn(film, place, unit),
        bare,
        title: own.input.title,
      });
    });
    const inputs = apart.map(({ input }) => input);
    tools.update({
      look,
      pixels: inputs.some(({ kind }) => kind === "picture"),
      positions: inputs.some(({ kind }) => kind === "signal"),
      channels: inputs.some((input) => input.kind === "signal" && input.height > 1),
      under: inputs.some((input) => input.kind === "picture" && input.rgb !== null),
      unit: `target units per ${[...new Set(panes.slice(0, apart.length).map((one) => one.unitText()))].join(", ")}`,
    });
  }

  return {
    node,
    /** Have pixels picked, by click and by Enter; null: only read. */
    pick(next: Picking | null) {
      picking = next;
      first.pick(picking !== null);
    },
    /** Give the keys to the pictures; whether that is possible. */
    focus: () => first.focus(),
    update(next: GalleryView) {
      view = next;
      draw(next);
    },
    destroy() {
      for (const one of panes) one.destroy();
      voice.destroy();
    },
  };
}
