import { describe, expect, test } from "vitest";
import { Packer } from "../dev/pack";
import { makeThumbs } from "../dev/synthetic";
import { decodeFilm, decodeThumbs } from "../src/wire";
import { blob, film } from "./helpers";

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
    expect(frames).toHaveLength(8);
    expect(frames.at(0)?.name).toBe("output");
    expect(frames.at(-1)?.name).toBe("input");
    const sum = pictures.bias.reduce((total, value) => total + value, 0);
    expect(sum).toBeCloseTo(totals.bias ?? Number.NaN, 3);
    expect(input.kind === "picture" && input.rgb?.length).toBe(16 * 16 * 3);
    const mass = frames.at(-1)?.mass;
    expect(mass?.kind === "maps" && mass.tiles.length).toBe(3 * 16 * 16);
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
      header.version = 2;
    });
    expect(() => decodeFilm(data)).toThrow("film.version: wanted 1, got 2");
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
  const header = { version: 1, height: 2, width: 2, items: [null] };
  expect(decodeThumbs(packer.pack(header)).items).toEqual([null]);
});
