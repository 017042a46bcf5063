import { expect, test } from "vitest";
import { describeStep } from "../src/charts/rail";
import { stepName } from "../src/names";
import { film } from "./helpers";

test("a module of a Sequential is called by its number and by what its op does", () => {
  expect(stepName("4", "convolution")).toBe("4 convolution");
  expect(stepName("features.1", "native_batch_norm")).toBe("features.1 batch norm");
  expect(stepName("classifier.6", "addmm")).toBe("classifier.6 linear");
  expect(stepName("layer1.0.conv2", "convolution")).toBe("layer1.0.conv2");
  expect(stepName("layer1.0 · add_1", "add")).toBe("layer1.0 · add_1");
  expect(stepName("input", "")).toBe("input");
});

test("a screen reader hears it; a block is more than its last op", () => {
  const shown = film();
  const stop = shown.levels.layers[2];
  const frame = shown.frames[stop?.frame ?? 0];
  if (!stop || !frame) throw new Error("the film has no second stop");
  stop.name = "features.3";
  frame.op = "convolution";
  expect(describeStep(shown, "layers", stop.frame)).toContain(", features.3 convolution, ");
  const block = shown.levels.blocks[1];
  if (!block) throw new Error("the film has no block");
  block.name = "layer1.0";
  expect(describeStep(shown, "blocks", block.frame)).toContain(", layer1.0, ");
});
