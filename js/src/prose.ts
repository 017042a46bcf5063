/** A lesson's text: paragraphs with **bold**, *italic* and `code`. It becomes nodes, never HTML. */

import { el } from "./dom";

const MARKS = /\*\*([^*\n]+)\*\*|\*([^*\n]+)\*|`([^`\n]+)`/g;

/** Paragraphs of a text; an empty line ends one, a plain line break stays one. */
export function paragraphs(text: string): HTMLElement[] {
  return text
    .split(/\n[ \t]*\n/)
    .map((one) => one.trim())
    .filter((one) => one !== "")
    .map((one) => el("p", {}, ...inline(one)));
}

/** One line of it, without a paragraph around it. */
export function inline(text: string): (Node | string)[] {
  return text.split("\n").flatMap((line, index) => {
    const nodes = spans(line.trim());
    return index === 0 ? nodes : [el("br"), ...nodes];
  });
}

/** The words alone, to be spoken. */
export function spokenText(text: string): string {
  return text
    .replace(
      MARKS,
      (_, bold?: string, italic?: string, code?: string) => bold ?? italic ?? code ?? "",
    )
    .replace(/\s+/g, " ")
    .trim();
}

function spans(line: string): (Node | string)[] {
  const nodes: (Node | string)[] = [];
  let from = 0;
  for (const found of line.matchAll(MARKS)) {
    const [whole, bold, italic, code] = found;
    if (found.index > from) nodes.push(line.slice(from, found.index));
    if (bold !== undefined) nodes.push(el("strong", {}, bold));
    else if (italic !== undefined) nodes.push(el("em", {}, italic));
    else nodes.push(el("code", {}, code ?? ""));
    from = found.index + whole.length;
  }
  if (from < line.length) nodes.push(line.slice(from));
  return nodes;
}
