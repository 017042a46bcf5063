/** What a step is called where a reader meets it. */

const COUNTED = /(^|\.)\d+$/;
const PLAIN: Record<string, string> = {
  addmm: "linear",
  mm: "linear",
  max_pool2d_with_indices: "max pool2d",
};

/** The module's name; where that is only a number, as in a `Sequential`, with what its op does. */
export function stepName(name: string, op = ""): string {
  if (!op || !COUNTED.test(name)) return name;
  const plain = PLAIN[op] ?? op.replace(/^(native|cudnn|miopen)_/, "").replaceAll("_", " ");
  return `${name} ${plain}`;
}
