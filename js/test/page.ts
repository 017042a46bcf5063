import type { StageTraits } from "../src/contract";
import { render } from "../src/widgets/stage";
import { blob, model } from "./helpers";

/** A page with its first film, unless there is none. */
export function open(traits: Partial<StageTraits> = {}, first: DataView | null = blob()) {
  const made = model(traits);
  const el = document.createElement("div");
  document.body.append(el);
  const close = render({ model: made, el });
  if (first) made.film(first);
  return { model: made, el, close };
}
