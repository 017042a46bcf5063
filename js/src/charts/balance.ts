/**
 * The cut as two bars on one axis: the gradient part from zero, the bias part from where that ends.
 *
 * The axis is the film's, not the step's, so that stepping moves the bars and they end at the target at
 * every step, whatever their signs. What is unshared is the gap that is left.
 */

import { svg } from "../dom";
import type { Film, Frame } from "../film";

const LANE = 9;
const HEIGHT = 2 * LANE + 7;

export function balance() {
  const gradient = svg("rect", { class: "gradient", y: 2, height: LANE, rx: 1.5 });
  const bias = svg("rect", { class: "bias", y: LANE + 4, height: LANE, rx: 1.5 });
  const join = svg("line", { class: "join", y1: 2, y2: HEIGHT - 3 });
  const zero = svg("line", { class: "zero", y1: 0, y2: HEIGHT });
  const target = svg("line", { class: "target", y1: 0, y2: HEIGHT });
  const node = svg(
    "svg",
    { class: "bbp-balance", "aria-hidden": "true", height: HEIGHT },
    gradient,
    bias,
    join,
    zero,
    target,
  );
  let axis: { film: Film; low: number; span: number } | null = null;

  return {
    node,
    update(film: Film, frame: Frame) {
      if (axis?.film !== film) axis = { film, ...axisOf(film) };
      const { low, span } = axis;
      const at = (value: number) => ((value - low) / span) * 99 + 0.5;
      const first = frame.cut_gradient ?? 0;
      const second = first + (frame.cut_bias ?? 0);
      lay(gradient, at(0), at(first));
      lay(bias, at(first), at(second));
      bias.classList.toggle("below", second < first);
      stand(zero, at(0));
      stand(join, at(first));
      stand(target, at(film.totals.value ?? second));
    },
  };
}

function axisOf(film: Film): { low: number; span: number } {
  let low = Math.min(0, film.totals.value ?? 0);
  let high = Math.max(0, film.totals.value ?? 0);
  for (const { cut_gradient, cut_bias } of film.frames) {
    const first = cut_gradient ?? 0;
    const second = first + (cut_bias ?? 0);
    low = Math.min(low, first, second);
    high = Math.max(high, first, second);
  }
  return { low, span: high - low || 1 };
}

function lay(bar: SVGRectElement, from: number, to: number): void {
  bar.setAttribute("x", `${Math.min(from, to)}%`);
  bar.setAttribute("width", `${Math.abs(to - from)}%`);
}

function stand(line: SVGLineElement, x: number): void {
  line.setAttribute("x1", `${x}%`);
  line.setAttribute("x2", `${x}%`);
}
