/**
 * The bias on its way through the modules: output at the right, input at the left, as on the rail.
 *
 * A ribbon is as wide as the mass passed on, its hue the sign; what a module adds joins from below. Stepping
 * changes classes only: the picture is drawn when the film, the open modules or the width change.
 */

import type { Theme } from "../colour";
import { button, el, followSize, svg } from "../dom";
import { compact, exactly, signed } from "../figures";
import type { Film } from "../film";
import type { Look, OnLook } from "../look";
import { type Box, type BoxGraph, boxGraph, growTree, type Ribbon, type Twig } from "./flow-boxes";
import { BAR, type FlowLayout, layOutFlow, type PlacedBox, type PlacedBrace } from "./flow-layout";

export interface FlowView {
  film: Film;
  look: Look;
  theme: Theme;
}

/** Something that the keyboard can stand on: a box, or a module that is open. */
interface Item {
  key: string;
  /** The module that opens or closes; null where there is nothing inside. */
  path: string | null;
  isOpen: boolean;
  level: number;
  frames: number[];
  node: SVGGElement;
  /** Name and figure, as drawn: the label says them in full. */
  words: SVGGElement;
  says: string;
  box: Box | null;
}

export function flow({ onLook }: { onLook: OnLook }) {
  const readout = el("span", { class: "soft reading" });
  const ribbons = svg("g", { class: "ribbons", "aria-hidden": "true" });
  const tree = svg("g", {
    role: "tree",
    "aria-label": "Modules from the input to the output",
    "aria-orientation": "horizontal",
  });
  const words = svg("g", { class: "words", "aria-hidden": "true" });
  const picture = svg("svg", { class: "bbp-flow-picture" }, ribbons, tree, words);
  const scroller = el("div", { class: "scroller" }, picture);
  const key = el("span", { class: "flow-key" });
  const hidden = el("span", { class: "hidden-part" });
  const reset = button({ class: "link" }, () => onLook({ open: [] }), "as at first");
  const node = el(
    "section",
    { class: "bbp-flow", "aria-label": "Flow of bias through the modules" },
    el("h4", {}, el("span", { class: "title" }, "Flow of bias"), readout),
    scroller,
    el("p", { class: "soft foot-line" }, key, hidden, reset),
  );

  let view: FlowView | null = null;
  let width = 1060;
  /** Everything is drawn as large as text is. */
  let zoom = 1;
  let grown: { film: Film; root: Twig } | null = null;
  let graph: BoxGraph | null = null;
  let items: Item[] = [];
  let active = "";
  let pointed: Item | null = null;
  let drawn: string | null = null;
  let drawnFilm: Film | null = null;
  let paths: { ribbon: Ribbon; node: SVGElement }[] = [];
  let step = -1;
  let overflows = false;

  function draw({ film, look }: FlowView) {
    if (grown?.film !== film) grown = { film, root: growTree(film) };
    graph = boxGraph(film, look.open, grown.root);
    const figures = graph.boxes.map((box) => signed(box.own));
    const layout = layOutFlow(graph, width, figures);
    picture.setAttribute("viewBox", `0 0 ${layout.width} ${layout.height}`);
    picture.setAttribute("width", String(layout.width * zoom));
    picture.setAttribute("height", String(layout.height * zoom));
    overflows = layout.width > width;
    drawRibbons(graph, layout);
    drawItems(graph, layout, figures);
    key.replaceChildren(...keyOf(layout.scale * zoom));
    const { twigs, boxes } = graph.merged;
    const into = boxes > 1 ? ` in ${boxes}` : "";
    hidden.textContent =
      boxes === 0
        ? ""
        : `${twigs} small modules, put together${into}, add ${percent(graph.hidden)} of all that is added`;
    hidden.dataset.value = exactly(graph.hidden);
    reset.hidden = look.open.length === 0;
    step = -1;
    pointed = null;
  }

  function drawRibbons({ boxes, ribbons: all }: BoxGraph, layout: FlowLayout) {
    paths = layout.ribbons.flatMap(({ ribbon: index, width: thick, path }) => {
      const ribbon = all[index];
      if (!ribbon) return [];
      const from = boxes[ribbon.from]?.name ?? "";
      const to = boxes[ribbon.to]?.name ?? "";
      const says = `${from} hands ${signed(ribbon.net)} to ${to}; in sizes ${compact(ribbon.gross)}`;
      const line = svg(
        "path",
        {
          class: ribbon.net < 0 ? "ribbon below" : "ribbon",
          d: path,
          "stroke-width": thick,
          "data-value": exactly(ribbon.net),
          "data-from": from,
          "data-to": to,
        },
        svg("title", {}, says),
      );
      return [{ ribbon, node: line }];
    });
    ribbons.replaceChildren(...paths.map(({ node: line }) => line));
  }

  function drawItems(all: BoxGraph, layout: FlowLayout, figures: string[]) {
    const focused = items.find((item) => item.node === document.activeElement);
    items = [];
    const root = all.opened[0];
    if (root) listInside(root, 1, all, layout, figures);
    tree.replaceChildren(...items.map((item) => item.node));
    words.replaceChildren(...items.map((item) => item.words));
    if (!items.some((item) => item.key === active)) {
      // What was closed stands where it was opened, and the other way round.
      const path = focused?.path;
      const same = path ? items.find((item) => item.path === path) : undefined;
      const inside = path
        ? items.find((item) => item.path?.startsWith(path) || item.key.startsWith(path))
        : undefined;
      active = (same ?? inside ?? items[0])?.key ?? "";
    }
    rove();
    if (focused) items.find((item) => item.key === active)?.node.focus({ preventScroll: true });
  }

  /** The items of a module from left to right, each open one followed by its own. */
  function listInside(
    parent: Twig,
    level: number,
    all: BoxGraph,
    layout: FlowLayout,
    figures: string[],
  ) {
    const entries: { x: number; add: (place: number, size: number) => void }[] = [];
    for (const placed of layout.boxes) {
      const box = all.boxes[placed.box];
      if (!box || box.parent !== parent) continue;
      entries.push({
        x: placed.x + placed.y * 1e-4,
        add: (place, size) =>
          push(boxItem(box, placed, figures[placed.box] ?? "", level), place, size),
      });
    }
    for (const twig of all.opened) {
      if (twig === parent || twig.parent !== parent) continue;
      const brace = layout.braces.find(({ path }) => path === twig.path);
      if (!brace) continue;
      entries.push({
        x: brace.from,
        add: (place, size) => {
          push(braceItem(twig, brace, level), place, size);
          listInside(twig, level + 1, all, layout, figures);
        },
      });
    }
    entries.sort((a, b) => a.x - b.x);
    entries.forEach(({ add }, index) => {
      add(index + 1, entries.length);
    });
  }

  function push(item: Item, place: number, size: number) {
    const { node: group } = item;
    group.setAttribute("role", "treeitem");
    group.setAttribute("aria-level", String(item.level));
    group.setAttribute("aria-posinset", String(place));
    group.setAttribute("aria-setsize", String(size));
    group.setAttribute("aria-label", item.says);
    group.setAttribute("data-key", item.key);
    if (item.path !== null) group.setAttribute("aria-expanded", String(item.isOpen));
    group.prepend(svg("title", {}, item.says));
    for (const part of [group, item.words]) {
      part.addEventListener("pointerenter", () => point(item));
      part.addEventListener("pointerleave", () => point(null));
    }
    const press = (wish: "go" | "toggle") => {
      active = item.key;
      rove();
      if (item.path === null || (wish === "go" && !item.isOpen)) go(item);
      else toggle(item);
    };
    group.addEventListener("click", () => press("toggle"));
    item.words.addEventListener("click", () => press("go"));
    items.push(item);
  }

  function boxItem(box: Box, placed: PlacedBox, figure: string, level: number): Item {
    const { x, y, height, own, label } = placed;
    const group = svg("g", { class: "box", tabindex: -1 });
    const text = svg("g", { class: "box", "data-key": box.key });
    if (own) group.append(drawOwn(box, placed, own));
    if (own?.figure) {
      text.append(svg("text", { class: "figure", x: own.figure.x, y: own.figure.y }, figure));
    }
    if (placed.unshared > 0) {
      const size = Math.max(1, Math.min(placed.unshared, 24));
      const lost = svg("path", {
        class: "lost",
        d: `M${x + BAR / 2},${y} V${y - 6}`,
        "stroke-width": size,
      });
      group.append(lost);
    }
    // A thin box is hard to hit: the pointer gets some room around it.
    const reach = svg("rect", {
      class: "reach",
      x: x - 8,
      y: y - 4,
      width: BAR + 16,
      height: height + 8,
    });
    const body = svg("rect", { class: "body", x, y, width: BAR, height, rx: 2 });
    group.append(reach, body);
    if (box.opens !== null) {
      const middle = y + height / 2;
      const arm = 3;
      group.append(
        svg("path", {
          class: "plus",
          d: `M${x + BAR / 2 - arm},${middle} h${2 * arm} M${x + BAR / 2},${middle - arm} v${2 * arm}`,
        }),
      );
    }
    if (label) {
      const { leader } = label;
      if (leader) text.append(svg("path", { class: "leader", d: leader }));
      text.append(svg("text", { class: "name", x: label.x, y: label.y }, label.text));
    }
    return {
      key: box.key,
      path: box.opens,
      isOpen: false,
      level,
      frames: box.frames,
      node: group,
      words: text,
      says: describeBox(box),
      box,
    };
  }

  function braceItem(twig: Twig, { from, to, y, label }: PlacedBrace, level: number): Item {
    const middle = (from + to) / 2;
    const group = svg(
      "g",
      { class: "open", tabindex: -1 },
      svg("path", { class: "brace", d: `M${from},${y - 4} V${y} H${to} V${y - 4}` }),
    );
    const text = svg(
      "g",
      { class: "open" },
      svg("text", { class: "name", x: middle, y: y + 13 }, label),
    );
    const says = `${twig.name}, open, ${twig.frames.length} steps`;
    return {
      key: `${twig.path}/`,
      path: twig.path,
      isOpen: true,
      level,
      frames: twig.frames,
      node: group,
      words: text,
      says,
      box: null,
    };
  }

  function rove() {
    for (const item of items) item.node.setAttribute("tabindex", item.key === active ? "0" : "-1");
  }

  function toggle(item: Item) {
    if (item.path === null || !graph) return;
    const { path } = item;
    const open = item.isOpen ? graph.open.filter((one) => one !== path) : [...graph.open, path];
    onLook({ open });
  }

  function go(item: Item) {
    const last = item.frames.at(-1);
    if (last !== undefined) onLook({ step: last });
  }

  function point(item: Item | null) {
    pointed = item;
    read();
  }

  function read() {
    if (!view) return;
    const focused = items.find((item) => item.node === document.activeElement);
    const here = items.find(({ box, frames }) => box !== null && frames.includes(step));
    const item = pointed ?? (focused?.box ? focused : null) ?? here;
    readout.replaceChildren(...(item?.box ? figuresOf(item.box) : []));
  }

  tree.addEventListener("focusin", (event) => {
    const item = items.find(({ node: group }) => group === event.target);
    if (item) active = item.key;
    rove();
    read();
  });
  tree.addEventListener("keydown", (event) => {
    const at = items.findIndex((item) => item.node === event.target);
    const item = items[at];
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const closed = item.path !== null && !item.isOpen;
    const keys: Record<string, () => void> = {
      ArrowDown: () => focus(items[at + 1]),
      ArrowUp: () => focus(items[at - 1]),
      Home: () => focus(items[0]),
      End: () => focus(items.at(-1)),
      ArrowRight: () => (closed ? toggle(item) : item.isOpen && focus(items[at + 1])),
      ArrowLeft: () => (item.isOpen ? toggle(item) : focus(parentOf(at))),
      Enter: () => go(item),
      " ": () => (item.path === null ? go(item) : toggle(item)),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });

  function parentOf(at: number): Item | undefined {
    const level = items[at]?.level ?? 1;
    const before = items.slice(0, at).reverse();
    return before.find((item) => item.level < level);
  }

  function focus(item: Item | undefined) {
    if (!item) return;
    active = item.key;
    rove();
    item.node.focus({ preventScroll: true });
    reveal(item.node);
  }

  /** Sideways only, and only where something is out of sight: asking where things are costs a layout. */
  function reveal(group: SVGGElement) {
    if (!overflows) return;
    const inner = group.getBoundingClientRect();
    const outer = scroller.getBoundingClientRect();
    if (inner.left < outer.left) scroller.scrollLeft -= outer.left - inner.left + 60;
    else if (inner.right > outer.right) scroller.scrollLeft += inner.right - outer.right + 60;
  }

  /** All that stepping costs. */
  function mark(next: number) {
    if (next === step) return;
    step = next;
    for (const { ribbon, node: line } of paths) {
      line.classList.toggle("ahead", ribbon.first > step);
      line.classList.toggle("partly", ribbon.first <= step && ribbon.last > step);
    }
    for (const item of items) {
      const here = item.box !== null && item.frames.includes(step);
      for (const part of [item.node, item.words]) {
        part.classList.toggle("here", here);
        part.classList.toggle("ahead", (item.frames[0] ?? 0) > step);
      }
      if (here) {
        item.node.setAttribute("aria-current", "step");
        reveal(item.node);
      } else item.node.removeAttribute("aria-current");
    }
    read();
  }

  const stopFollowing = followSize(scroller, (measured, scale) => {
    if (Math.abs(measured / scale - width) < 1 && scale === zoom) return;
    zoom = scale;
    width = Math.floor(measured / scale);
    drawn = null;
    if (view) show(view);
  });

  function show(next: FlowView) {
    const asked = next.look.open.join("\n");
    if (next.film !== drawnFilm || asked !== drawn) {
      drawnFilm = next.film;
      drawn = asked;
      draw(next);
    }
    mark(next.look.step);
  }

  return {
    node,
    update(next: FlowView) {
      view = next;
      show(next);
    },
    destroy() {
      stopFollowing();
    },
  };
}

/** A ribbon that rises from below and turns into the box: as wide as what the box adds when it gets there. */
function drawOwn(
  box: Box,
  { x, y, height }: PlacedBox,
  own: NonNullable<PlacedBox["own"]>,
): SVGElement {
  const foot = own.y;
  const right = x + BAR;
  const bottom = y + height;
  const top = bottom - Math.min(own.width, height);
  const outer = right + own.reach;
  const inner = outer - Math.max(2, own.reach * 0.4);
  const shape = [
    `M${right},${top}`,
    `C${outer},${top} ${outer},${top} ${outer},${foot}`,
    `H${inner}`,
    `C${inner},${bottom} ${inner},${bottom} ${right},${bottom}`,
    "Z",
  ].join(" ");
  const side = box.own < 0 ? "own below" : "own";
  return svg("path", { class: side, d: shape, "data-value": exactly(box.own) });
}

function describeBox(box: Box): string {
  const steps = box.frames.length === 1 ? "1 step" : `${box.frames.length} steps`;
  const names =
    box.twigs.length > 1
      ? `: ${box.twigs
          .map(({ name }) => name)
          .reverse()
          .join(", ")}`
      : "";
  const lost = box.unshared === 0 ? "" : `, ${signed(box.unshared)} unshared`;
  const kept = box.held === 0 ? "" : `, ${signed(box.held)} stays`;
  const broken = box.broken ? ", with figures that are not finite" : "";
  return `${box.name}${names}; arriving ${compact(box.in)}, added ${compact(box.own)}${lost}, passed on ${compact(box.out)}${kept}; ${steps}${broken}`;
}

function figuresOf(box: Box): (Node | string)[] {
  const figure = (name: string, value: number, printed = value) =>
    el("b", { "data-key": name, "data-value": exactly(value) }, compact(printed, 4));
  /** As on paper: what is below zero is taken away, and not a negative figure added. */
  const term = (name: string, value: number, way: 1 | -1) => {
    const minus = way * value < 0;
    return [minus ? " − " : " + ", figure(name, value, Math.abs(value))];
  };
  const parts: (Node | string)[] = [el("span", { class: "where" }, box.name), " "];
  parts.push(figure("in", box.in), " arriving", ...term("own", box.own, 1), " added");
  if (box.unshared !== 0) parts.push(...term("unshared", box.unshared, -1), " unshared");
  if (box.held !== 0) parts.push(" = ", figure("held", box.held), " stays");
  else parts.push(" = ", figure("out", box.out), " passed on");
  return parts;
}

function percent(part: number): string {
  if (part === 0) return "0 %";
  if (part < 0.001) return "less than 0.1 %";
  return `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
}

/** How wide a round number of target units is, and what the hues mean. */
function keyOf(scale: number): Node[] {
  if (scale === 0) return [];
  const about = 14 / scale;
  const power = 10 ** Math.floor(Math.log10(about));
  const nice = ([5, 2, 1].find((digit) => digit * power <= about) ?? 1) * power;
  const strip = svg(
    "svg",
    { width: 26, height: 16, "aria-hidden": "true", class: "measure" },
    svg("rect", { x: 0, y: (16 - nice * scale) / 2, width: 26, height: nice * scale }),
  );
  const swatch = (kind: string, says: string) =>
    el("span", { class: `swatch ${kind}` }, el("i", { "aria-hidden": "true" }), says);
  return [
    el("span", { class: "swatch" }, strip, `${compact(nice, 1)} target units wide`),
    swatch("above", "above zero"),
    swatch("below", "below zero"),
  ];
}
