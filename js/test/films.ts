/** Films as plain data, without the wire: a graph of steps, with mass that adds up. */

import type { Film, Flow, Frame } from "../src/film";
import { FIRST_LOOK, type Look } from "../src/look";
import { gridOf } from "./plain-film";

export interface Step {
  module?: string;
  node?: string;
  name?: string;
  adds?: number;
  unshared?: number;
  mixes?: boolean;
  /** Steps nearer the output that hand mass to this one, with the part of theirs that they give. */
  from?: [number, number][];
}

export function look(change: Partial<Look> = {}): Look {
  return { ...FIRST_LOOK, ...change };
}

function frameOf(step: Step, index: number, arriving: number): Frame {
  const intercept = step.adds ?? 0;
  const module = step.module ?? "";
  return {
    node: step.node ?? `node_${index}`,
    name: step.name ?? (module || (step.node ?? `node_${index}`)),
    module,
    op: "op",
    shape: [4],
    grid: gridOf([4]),
    mixes: step.mixes ?? false,
    adds: intercept !== 0,
    arriving,
    intercept,
    unshared: step.unshared ?? 0,
    cut_gradient: 0,
    cut_bias: 0,
    cut_unshared: 0,
    residual: 1e-7 * index,
    exact: true,
    triage: { broken: 0, negative: 0.1 * (index % 5), dead: 0.2, entropy: 0.5, ms: 1 },
    field: null,
    sees: [],
    tensor: { kind: "none" },
  };
}

/** The film of a walk through these steps, the output first and the input last. */
export function filmOf(steps: Step[], change: Partial<Film> = {}): Film {
  const frames: Frame[] = [];
  const flows: Flow[] = [];
  steps.forEach((step, index) => {
    let arriving = 0;
    for (const [from, part] of step.from ?? (index > 0 ? [[index - 1, 1]] : [])) {
      const giver = frames[from as number];
      if (!giver) continue;
      const net = part * ((giver.arriving ?? 0) + (giver.intercept ?? 0) - (giver.unshared ?? 0));
      flows.push({ from: from as number, to: index, net, gross: Math.abs(net) * 1.5 });
      arriving += net;
    }
    const ends = index === 0 ? "output" : index === steps.length - 1 ? "input" : undefined;
    frames.push(frameOf(ends ? { node: ends, name: ends, ...step } : step, index, arriving));
  });
  let gathered = 0;
  for (const frame of frames) {
    gathered += (frame.intercept ?? 0) - (frame.unshared ?? 0);
    frame.cut_bias = gathered;
  }
  const stops = frames.map((frame, index) => ({
    frame: index,
    name: frame.name,
    group: frame.module.split(".")[0] ?? "",
  }));
  return {
    key: "film",
    answers: null,
    lane: 0,
    part: "whole",
    state: {
      sample: 0,
      target: null,
      versus: null,
      rule: "proportional",
      parameters: {},
      plan: {},
    },
    network: "Net",
    precision: "float32",
    target: { index: 0, label: "cat", value: 10, versus: null },
    scores: [10, 4, 3],
    input: {
      kind: "vector",
      name: "1 of 1",
      label: "cat",
      title: "",
      shape: [4],
      names: null,
      values: new Float32Array(4),
    },
    pictures: {
      height: 1,
      width: 4,
      gradient: new Float32Array(4),
      bias: new Float32Array(4),
      gradient_sum: 10 - gathered,
      bias_sum: gathered,
    },
    others: [],
    totals: {
      value: 10,
      gradient: 10 - gathered,
      bias: gathered,
      unshared: 0,
      residual: 0,
      tolerance: 1e-3,
      exact: true,
    },
    frames,
    levels: { blocks: stops, layers: stops, ops: stops },
    flows,
    bytes: 0,
    ...change,
  };
}

/** Steps of a residual network: blocks of two convolutions, a skip, and one activation used twice. */
export function residual(stages = 4, blocks = 2): Step[] {
  const steps: Step[] = [{}];
  const then = (step: Step) => steps.push(step) - 1;
  let at = then({ module: "fc", adds: 0.4, mixes: true });
  at = then({ node: "flatten", from: [[at, 1]] });
  at = then({ module: "avgpool", mixes: true, from: [[at, 1]] });
  for (let stage = stages; stage >= 1; stage -= 1) {
    for (let block = blocks - 1; block >= 0; block -= 1) {
      const name = `layer${stage}.${block}`;
      const end = then({
        module: `${name}.relu`,
        node: `relu_${stage}_${block}_1`,
        from: [[at, 1]],
      });
      const sum = then({
        module: name,
        node: `add_${stage}_${block}`,
        mixes: true,
        from: [[end, 1]],
      });
      const bn2 = then({ module: `${name}.bn2`, adds: 0.31 * stage, from: [[sum, 0.6]] });
      const conv2 = then({ module: `${name}.conv2`, mixes: true, from: [[bn2, 1]] });
      const mid = then({
        module: `${name}.relu`,
        node: `relu_${stage}_${block}`,
        from: [[conv2, 1]],
      });
      const bn1 = then({ module: `${name}.bn1`, adds: -0.17 * (block + 1), from: [[mid, 1]] });
      const conv1 = then({ module: `${name}.conv1`, mixes: true, from: [[bn1, 1]] });
      at = then({
        module: `layer${stage}.${block}.hold`,
        from: [
          [conv1, 1],
          [sum, 0.4],
        ],
      });
    }
  }
  at = then({ module: "maxpool", from: [[at, 1]] });
  at = then({ module: "relu", from: [[at, 1]] });
  at = then({ module: "bn1", adds: 0.2, from: [[at, 1]] });
  at = then({ module: "conv1", mixes: true, from: [[at, 1]] });
  then({ from: [[at, 1]] });
  return steps;
}
