/** Another rule for the stops that are selected on the rail, and what the lane's plan says so far. */

import { button, el } from "../dom";
import type { Choice, Film, Setup } from "../film";
import { type Look, type OnLook, shortName } from "../look";
import { knobs } from "./knobs";
import { withLane } from "./lanes";

export interface PlanView {
  setup: Setup;
  look: Look;
  film: Film | null;
}

/**
 * What a plan calls the steps of these stops that share by rule: their module, exactly, or the node where a
 * module has several.
 */
export function planKeys(film: Film, { stops, level }: Pick<Look, "stops" | "level">): string[] {
  const counts = new Map<string, number>();
  for (const { module, mixes } of film.frames) {
    if (mixes) counts.set(module, (counts.get(module) ?? 0) + 1);
  }
  const keys = new Set<string>();
  for (const stop of [...stops].sort((a, b) => a - b)) {
    for (const index of stepsOf(film, level, stop)) {
      const frame = film.frames[index];
      if (!frame?.mixes) continue;
      const alone = frame.module !== "" && counts.get(frame.module) === 1;
      keys.add(alone ? frame.module : frame.node);
    }
  }
  return [...keys];
}

/** The steps that a stop stands for; one that is no stop at this level stands for itself. */
function stepsOf(film: Film, level: Look["level"], frame: number): number[] {
  const stops = film.levels[level];
  const at = stops.findIndex((stop) => stop.frame === frame);
  const first = at > 0 ? (stops[at - 1]?.frame ?? frame - 1) + 1 : frame;
  return Array.from({ length: Math.max(0, frame - first) + 1 }, (_, index) => first + index);
}

export function plan({ onLook }: { onLook: OnLook }) {
  const which = el("span", { class: "key" });
  const select = el("select", { "aria-label": "rule for the selected stops" });
  const turns = knobs({
    onChange: (parameters) => {
      if (select.value !== "" && select.value !== SEVERAL) set({ rule: select.value, parameters });
    },
  });
  const done = button({ class: "link" }, () => onLook({ stops: [] }), "deselect");
  const editor = el("span", { class: "editor" }, which, select, turns.node, done);
  const list = el("ul", { class: "entries", "aria-label": "plan of this lane" });
  const clear = button({ class: "link" }, () => write({}), "clear the plan");
  const kept = el("div", { class: "kept" }, list, clear);
  const node = el("div", { class: "bbp-plan" }, editor, kept);
  let view: PlanView | null = null;
  let keys: string[] = [];
  let options = "";
  let drawn = "";

  function lane() {
    return view?.look.lanes[view.look.lane];
  }

  function write(next: Record<string, Choice>) {
    if (view) onLook({ lanes: withLane(view.look, view.look.lane, { plan: next }) });
  }

  function set(chosen: Choice | null) {
    const now = { ...lane()?.plan };
    for (const key of keys) {
      if (chosen) now[key] = chosen;
      else delete now[key];
    }
    write(now);
  }

  select.addEventListener("change", () => {
    const rule = view?.setup.rules.find(({ name }) => name === select.value);
    if (select.value === SEVERAL) return;
    set(rule ? { rule: rule.name, parameters: rule.standard } : null);
  });

  /** What all the selected stops have: a rule, none, or several. */
  function common(): string {
    const found = new Set(keys.map((key) => lane()?.plan[key]?.rule ?? ""));
    return found.size > 1 ? SEVERAL : ([...found][0] ?? "");
  }

  function drawEditor({ setup, look, film }: PlanView) {
    keys = film && look.stops.length > 0 ? planKeys(film, look) : [];
    editor.hidden = look.stops.length === 0;
    if (editor.hidden) return;
    const count =
      look.stops.length === 1 ? "1 selected stop" : `${look.stops.length} selected stops`;
    which.textContent = keys.length === 0 ? `no rule decides at ${count}` : `for ${count}:`;
    which.title = keys.join(", ");
    const now = common();
    const asked = JSON.stringify([setup.rules.map(({ name }) => name), now === SEVERAL]);
    if (asked !== options) {
      options = asked;
      const rows = [el("option", { value: "" }, "as the lane")];
      if (now === SEVERAL) rows.push(el("option", { value: SEVERAL }, "several rules"));
      rows.push(...setup.rules.map(({ name }) => el("option", { value: name }, name)));
      select.replaceChildren(...rows);
    }
    select.hidden = keys.length === 0;
    select.value = now;
    const rule = setup.rules.find(({ name }) => name === now);
    const first = keys[0] === undefined ? undefined : lane()?.plan[keys[0]];
    turns.node.hidden = rule === undefined;
    turns.update(rule, first ?? null, keys.join(" "));
  }

  function drawList() {
    const entries = Object.entries(lane()?.plan ?? {});
    kept.hidden = entries.length === 0;
    clear.hidden = entries.length < 2;
    const asked = JSON.stringify(entries);
    if (asked === drawn) return;
    drawn = asked;
    const at = [...list.querySelectorAll("button")].indexOf(
      document.activeElement as HTMLButtonElement,
    );
    list.replaceChildren(
      ...entries.map(([pattern, chosen]) =>
        el(
          "li",
          {},
          el("span", { class: "pattern", title: pattern }, pattern),
          el("span", { class: "soft" }, shortName(chosen)),
          button(
            { class: "remove", "aria-label": `${pattern} as the lane` },
            () => {
              const { [pattern]: _, ...rest } = lane()?.plan ?? {};
              write(rest);
            },
            "×",
          ),
        ),
      ),
    );
    if (at >= 0) {
      const all = list.querySelectorAll("button");
      all[Math.min(at, all.length - 1)]?.focus({ preventScroll: true });
    }
  }

  return {
    node,
    /** Whether there is anything to show. */
    get filled(): boolean {
      return !editor.hidden || !kept.hidden;
    },
    update(next: PlanView) {
      view = next;
      drawEditor(next);
      drawList();
    },
    destroy() {
      turns.destroy();
    },
  };
}

const SEVERAL = "…";
