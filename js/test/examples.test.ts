/** Films that Python wrote, read here: the two sides of the wire agree on the same files (`tests/examples`). */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { WAYS } from "../src/film";
import { allFrames } from "../src/panes";
import { decodeFilm, decodeThumbs } from "../src/wire";

const FOLDER = `${import.meta.dirname}/../../tests/examples`;

interface Example {
  header: Record<string, unknown>;
  arrays: { path: string; values: (number | null)[] }[];
}

function read(name: string): { data: DataView; example: Example } {
  const bytes = readFileSync(`${FOLDER}/${name}.film`);
  const example = JSON.parse(readFileSync(`${FOLDER}/${name}.json`, "utf8")) as Example;
  return { data: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), example };
}

function at(root: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], root);
}

/** Every array as Python has it; a number that is not finite is null in the JSON. */
function expectArrays(decoded: unknown, arrays: Example["arrays"]): void {
  expect(arrays.length).toBeGreaterThan(0);
  for (const { path, values } of arrays) {
    const array = at(decoded, path) as Uint8Array | Float32Array;
    expect(array, path).toHaveLength(values.length);
    values.forEach((value, index) => {
      const found = array[index] ?? Number.NaN;
      if (value === null) expect(Number.isFinite(found), `${path}[${index}]`).toBe(false);
      else expect(found, `${path}[${index}]`).toBeCloseTo(value, 5);
    });
  }
}

test.each(["picture", "vector", "signal", "several", "numbers"])(
  "a %s film of Python's",
  (name) => {
    const { data, example } = read(name);
    const film = decodeFilm(data);
    expectArrays(film, example.arrays);
    expect(film.key).toBe(example.header.key);
    for (const part of ["state", "target", "totals", "scores"]) {
      expect(at(film, part)).toEqual(example.header[part]);
    }
    const others = example.header.others as { frame: Record<string, unknown> }[];
    const frames = example.header.frames as Record<string, unknown>[];
    expect(film.frames).toHaveLength(frames.length);
    expect(film.others).toHaveLength(others.length);
    frames.push(...others.map((other) => other.frame));
    allFrames(film).forEach((frame, index) => {
      for (const [key, value] of Object.entries(frames[index] ?? {})) {
        if (key !== "tensor" && value !== null)
          expect(at(frame, key), `${frame.name}: ${key}`).toEqual(value);
      }
      const tensor = frames[index]?.tensor as Record<string, unknown>;
      for (const key of ["kind", "channels", "block", "shown", "height", "width"]) {
        expect(at(frame.tensor, key), `${frame.name}: tensor.${key}`).toEqual(tensor[key]);
      }
      for (const way of WAYS) {
        for (const key of ["limit", "sums", "clipped", "broken"]) {
          const path = `${way}.${key}`;
          expect(at(frame.tensor, path), `${frame.name}: ${path}`).toEqual(at(tensor, path));
        }
      }
    });
    const given = example.header.input as Record<string, unknown>;
    for (const key of ["kind", "name", "label", "title", "shape"])
      expect(at(film.input, key)).toEqual(given[key]);
    if (name === "signal") {
      for (const key of ["height", "width", "length", "block", "channels", "names", "lanes"]) {
        expect(at(film.input, key), key).toEqual(given[key]);
      }
    }
    expect(film.levels).toEqual(example.header.levels);
    const flows = film.flows.map(({ from, to, net, gross }) => [from, to, net, gross]);
    expect(flows).toEqual(example.header.flows);
  },
);

test("thumbs of Python's", () => {
  const { data, example } = read("thumbs");
  expectArrays(decodeThumbs(data), example.arrays);
});
