/** The parts of an explorer by name, to point at one or to put one away. */

export const PARTS: Record<string, string> = {
  rail: ".rail-box",
  ledger: ".bbp-ledger",
  pictures: ".bbp-gallery",
  maps: ".bbp-atlas",
  unit: ".bbp-inspector",
  flow: ".bbp-flow",
  triage: ".bbp-triage",
  classes: ".bbp-classes",
  controls: ".bbp-controls",
};

/** What goes along with a part that is put away. */
const ALONG: Record<string, string> = {
  rail: '.legend, .bbp-transport .walk, .bbp-foot [data-of~="rail"]',
  controls:
    '.bbp-toolbar, .bbp-transport .level, .bbp-gallery .tools, .bbp-foot [data-of~="controls"]',
  maps: '.bbp-tabs [data-key="maps"]',
  flow: '.bbp-tabs [data-key="flow"]',
  triage: '.bbp-tabs [data-key="triage"], .bbp-foot [data-of="triage"]',
  classes: '.bbp-tabs [data-key="classes"]',
};

const PANELS = ["maps", "unit", "flow", "triage", "classes"];

/** What holds nothing once all of these are put away. */
const HOLDERS: [string, readonly string[]][] = [
  [".between", ["rail", "controls"]],
  [".columns", ["pictures", "ledger"]],
  [".bbp-panels", PANELS],
  [".bbp-foot", ["rail", "pictures", "ledger", ...PANELS]],
];

const HIDDEN = "data-part-hidden";
const LIT = "data-part-lit";

/** Put these parts away and point at one; what was done before is undone. */
export function dressParts(
  root: ParentNode,
  { hidden, lit }: { hidden: readonly string[]; lit: string | null },
): void {
  for (const name of [HIDDEN, LIT]) {
    for (const node of root.querySelectorAll(`[${name}]`)) node.removeAttribute(name);
  }
  for (const part of hidden) {
    for (const selector of [PARTS[part], ALONG[part]]) {
      if (selector) mark(root, selector, HIDDEN);
    }
  }
  for (const [selector, parts] of HOLDERS) {
    if (parts.every((part) => hidden.includes(part))) mark(root, selector, HIDDEN);
  }
  const tabs = [...root.querySelectorAll('.bbp-tabs[aria-label="What is shown of this step"]')];
  for (const bar of tabs) {
    const left = [...bar.children].filter((tab) => !tab.hasAttribute(HIDDEN));
    if (left.length < 2) bar.setAttribute(HIDDEN, "");
  }
  if (lit !== null && PARTS[lit] !== undefined) mark(root, PARTS[lit], LIT);
}

/** Put a whole explorer away, or take it out again. */
export function putAway(root: Element, away: boolean): void {
  root.toggleAttribute(HIDDEN, away);
}

export function isPutAway(node: Element): boolean {
  return node.closest(`[${HIDDEN}]`) !== null;
}

function mark(root: ParentNode, selector: string, name: string): void {
  for (const node of root.querySelectorAll(selector)) node.setAttribute(name, "");
}
