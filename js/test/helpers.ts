import { FakeModel } from "../dev/fake-model";
import { SETUP } from "../dev/setup";
import { makeFilm, makeThumbs, type Recipe } from "../dev/synthetic";
import type { StageTraits } from "../src/contract";
import type { Film, Lane, Request, State } from "../src/film";
import { FIRST_LOOK, stateOf } from "../src/look";
import type { Message } from "../src/widgets/model";
import { decodeFilm } from "../src/wire";

export const FIRST: State = {
  sample: 0,
  target: 0,
  versus: null,
  rule: "proportional",
  parameters: { power: 1 },
  plan: {},
};

export const LANE: Lane = { rule: "proportional", parameters: { power: 1 }, plan: {} };

export function blob(recipe: Partial<Recipe> = {}): DataView {
  return makeFilm({ stops: 8, size: 16, state: FIRST, answers: null, ...recipe });
}

export function film(recipe: Partial<Recipe> = {}): Film {
  return decodeFilm(blob(recipe));
}

export function model(traits: Partial<StageTraits> = {}): FakeModel {
  const put = { seq: 0, look: { sample: 0, target: 0, versus: null, lanes: [LANE] } };
  return new FakeModel({ setup: SETUP, thumbs: makeThumbs(3, 4), put, ...traits });
}

/** Answer the newest request, or the one given, as the kernel would: a film for each lane that is wanted. */
export function answer(
  model: FakeModel,
  request = lastRequest(model),
  recipe: Partial<Recipe> = {},
) {
  for (const lane of request.wanted) {
    const state = stateOf({ ...FIRST_LOOK, ...request }, lane);
    model.film(blob({ state, answers: request.seq, lane, ...recipe }));
  }
}

export function lastRequest(model: FakeModel): Request {
  return model.get("request") as unknown as Request;
}

export function requests(model: FakeModel): Request[] {
  return model.saved.flatMap(({ request }) => (request ? [request as unknown as Request] : []));
}

/** What the page asked for in messages, hello aside. */
export function asked(model: FakeModel): Message[] {
  return model.sent.filter(({ type }) => type !== "hello");
}

export function find<T extends Element = HTMLElement>(root: ParentNode, selector: string): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`nothing matches ${selector}`);
  return found;
}

export function press(node: Element, key: string, more: KeyboardEventInit = {}): void {
  node.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }),
  );
}

export function chosen(root: ParentNode, group: string): string | undefined {
  const selector = `[role=radiogroup][aria-label="${group}"] [aria-checked=true]`;
  return root.querySelector<HTMLElement>(selector)?.dataset.key;
}

export function choose(root: ParentNode, group: string, key: string): void {
  find(root, `[role=radiogroup][aria-label="${group}"] [data-key="${key}"]`).click();
}

export const railOf = (root: ParentNode) => find<SVGElement>(root, ".bbp-rail");

export const stepOf = (root: ParentNode) => Number(railOf(root).getAttribute("aria-valuenow"));

export const shownTarget = (root: ParentNode) => find(root, "[data-key=target]").dataset.value;
