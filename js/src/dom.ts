/** Making elements, so that what must never be forgotten never is. */

type Attributes = Record<string, string | number | boolean | null | undefined>;

const FOCUSABLE = new Set(["a", "button", "input", "select", "summary", "textarea"]);

/**
 * Set attributes, and keep the notebook's own keys away from whatever can hold the focus.
 *
 * JupyterLab looks for the mark on the focused element only, never above it: without it `d d` typed on a
 * button of ours deletes the cell.
 */
function dress(element: Element, attributes: Attributes, children: (Node | string)[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  if (FOCUSABLE.has(element.localName) || element.hasAttribute("tabindex")) {
    element.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  element.append(...children);
}

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  dress(element, attributes, children);
  return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  dress(element, attributes, children);
  return element;
}

export function button(
  attributes: Attributes,
  onPress: () => void,
  ...children: (Node | string)[]
): HTMLButtonElement {
  const node = el("button", { type: "button", ...attributes }, ...children);
  node.addEventListener("click", onPress);
  return node;
}

/** A name for `id` and `url(#...)` that no other view on the page has. */
let names = 0;
export function uniqueId(stem: string): string {
  names += 1;
  return `bbp-${stem}-${names}-${Math.random().toString(36).slice(2, 7)}`;
}

/** Text of the ruler, in pixels where nobody asked for larger text. */
const RULER = 11;

/**
 * Call back with the node's width, and with how much larger than usual its text is, now and whenever either
 * changes; returns what stops it.
 */
export function followSize(
  node: HTMLElement,
  onSize: (width: number, scale: number) => void,
): () => void {
  if (typeof ResizeObserver === "undefined") return () => {};
  const ruler = el("i", { class: "bbp-ruler", "aria-hidden": "true" });
  node.append(ruler);
  let width = 0;
  const observer = new ResizeObserver((entries) => {
    const own = entries.find(({ target }) => target === node);
    width = own?.contentRect.width ?? width;
    // Also where the browser has a least size of text, which no length of a style sheet tells.
    const text = Number.parseFloat(getComputedStyle(ruler).fontSize);
    if (width > 0) onSize(width, Math.max(1, text / RULER || 1));
  });
  observer.observe(node);
  observer.observe(ruler);
  return () => observer.disconnect();
}

export function prefersStill(): boolean {
  return globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;
}
