import { describe, expect, test } from "vitest";
import { Packer } from "../dev/pack";
import { makeDetail, makeKept, makeThumbs } from "../dev/synthetic";
import { keyOf, type Question } from "../src/detail";
import { LEVELS, stopAt, WAYS } from "../src/film";
import { decodeDetail, decodeFilm, decodeKept, decodeThumbs } from "../src/wire";
import { blob, FIRST, film } from "./helpers";

/** The header of a good film, changed, in front of the same body. */
function changed(change: (header: Record<string, unknown>) => void): DataView {
  const good = blob();
  const length = good.getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(good.buffer, 4, length));
  const header = JSON.parse(text) as Record<string, unknown>;
  change(header);
  const packer = new Packer();
  packer.add(new Uint8Array(good.buffer, 4 + length));
  return packer.pack(header);
}

function frameOf(header: Record<string, unknown>, index: number): Record<string, unknown> {
  return (header.frames as Record<string, unknown>[])[index] ?? {};
}

describe("a film", () => {
  test("keeps its numbers and its tiles", () => {
    const { frames, pictures, input, totals } = film();
    expect(frames.length).toBeGreaterThan(8);
    expect(frames.at(0)?.name).toBe("output");
    expect(frames.at(-1)?.name).toBe("input");
    const sum = pictures.bias.reduce((total, value) => total + value, 0);
    expect(sum).toBeCloseTo(totals.bias ?? Number.NaN, 3);
    expect(input.kind === "picture" && input.rgb?.length).toBe(16 * 16 * 3);
    const tensor = frames.at(-1)?.tensor;
    for (const way of WAYS) {
      expect(tensor?.kind === "maps" && tensor[way].tiles.length).toBe(3 * 16 * 16);
    }
  });

  test("stops at every level at its first and its last frame", () => {
    const { frames, levels } = film();
    for (const level of LEVELS) {
      expect(levels[level].at(0)?.frame).toBe(0);
      expect(levels[level].at(-1)?.frame).toBe(frames.length - 1);
    }
    expect(levels.ops).toHaveLength(frames.length);
    expect(levels.layers.length).toBeLessThan(frames.length);
    expect(stopAt(levels.ops, 3)).toBe(3);
    expect(levels.layers[stopAt(levels.layers, 2)]?.frame).toBe(3);
    expect(stopAt(levels.layers, 999)).toBe(levels.layers.length - 1);
  });

  test("has flows from step to step", () => {
    const { flows, frames } = film();
    expect(flows).toHaveLength(frames.length - 1);
    expect(flows[0]).toMatchObject({ from: 0, to: 1 });
  });

  test("may come as numbers first", () => {
    const { frames, part } = film({ part: "numbers" });
    expect(part).toBe("numbers");
    expect(frames[3]?.tensor).toEqual({ kind: "pending" });
  });

  test.each([0, 1, 2, 3])("is read at any place in a message: %i bytes in", (shift) => {
    const there = film({ shift });
    expect([...there.pictures.bias]).toEqual([...film().pictures.bias]);
  });

  test("has a vector for an input without places", () => {
    const { input, pictures } = film({ kind: "vector" });
    expect(input.kind === "vector" && input.names?.[0]).toBe("MedInc");
    expect(pictures.gradient).toHaveLength(8);
  });

  test("carries null where Python had no finite number", () => {
    const data = changed((header) => {
      frameOf(header, 2).arriving = null;
    });
    expect(decodeFilm(data).frames[2]?.arriving).toBeNull();
  });
});

describe("a film that cannot be read says what was wanted and what came", () => {
  test("another version", () => {
    const data = changed((header) => {
      header.version = 1;
    });
    expect(() => decodeFilm(data)).toThrow("film.version: wanted 2, got 1");
  });

  test("a key that is not there", () => {
    const data = changed((header) => {
      const frame = frameOf(header, 3);
      frame.arrivng = frame.arriving;
      delete frame.arriving;
    });
    expect(() => decodeFilm(data)).toThrow(
      /film\.frames\[3\]: wanted the key "arriving", got .*arrivng/,
    );
  });

  test("a value of the wrong kind", () => {
    const data = changed((header) => {
      frameOf(header, 1).exact = "yes";
    });
    expect(() => decodeFilm(data)).toThrow('film.frames[1].exact: wanted true or false, got "yes"');
  });

  test("a stop beyond the last frame", () => {
    const data = changed((header) => {
      header.levels = { ...(header.levels as object), ops: [{ frame: 99, name: "", group: "" }] };
    });
    expect(() => decodeFilm(data)).toThrow(/film\.levels\.ops: wanted stops at frames below \d+/);
  });

  test("a body that is cut off", () => {
    const good = blob();
    const short = new DataView(good.buffer, 0, good.byteLength - 8);
    expect(() => decodeFilm(short)).toThrow(
      /wanted bytes \d+ to \d+ of the body, got a body of \d+/,
    );
  });

  test("a blob that is no film", () => {
    expect(() => decodeFilm(new DataView(new ArrayBuffer(2)))).toThrow("at least 4 bytes, got 2");
    expect(() => decodeFilm(new DataView(new Uint8Array([255, 0, 0, 0, 1]).buffer))).toThrow(
      "header of 255",
    );
  });
});

test("thumbs are one picture a sample, or none", () => {
  const thumbs = decodeThumbs(makeThumbs(3, 4));
  expect(thumbs.items.map((item) => item?.length)).toEqual([48, 48, 48]);
  const packer = new Packer();
  const header = { version: 2, height: 2, width: 2, items: [null], traces: [null] };
  expect(decodeThumbs(packer.pack(header)).items).toEqual([null]);
});

describe("details", () => {
  const about = { film: film().key, frame: 3 };
  const questions: Question[] = [
    { kind: "unit", ...about, unit: [1, 2, 3] },
    { kind: "channels", ...about, by: "index", page: 2 },
    { kind: "parts", sample: 1 },
  ];

  test.each(questions)("an answer to $kind carries its question's key", (question) => {
    for (const shift of [0, 1, 3]) {
      const { key, answer } = decodeDetail(makeDetail(question, shift));
      expect(key).toBe(keyOf(question));
      expect(answer.kind).toBe(question.kind);
    }
  });

  test("the key is the same whatever the order of the words", () => {
    expect(keyOf({ b: 1, a: { d: [2, 1], c: null } })).toBe('{"a":{"c":null,"d":[2,1]},"b":1}');
  });

  test("a saved page holds films, answers and a look", () => {
    const films = [blob(), blob({ state: { ...FIRST, rule: "uniform" } })];
    const details = questions.map((question) => makeDetail(question));
    const kept = decodeKept(makeKept(films, details, { grain: 8 }));
    expect(kept.films.map(({ state }) => state.rule)).toEqual(["proportional", "uniform"]);
    expect(kept.details.map(({ answer }) => answer.kind)).toEqual(["unit", "channels", "parts"]);
    expect(kept.look).toEqual({ grain: 8 });
  });
});
