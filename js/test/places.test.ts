import { describe, expect, test } from "vitest";
import { barsHeight, cellIn, layoutOf, roomFor } from "../src/charts/atlas-layout";
import type { Field } from "../src/film";
import { fieldBox, holds, middle, type Seen, unitText, unitUnder } from "../src/places";
import { brief, columnOf, factor, inColumn, percent, powerOf } from "../src/tenfold";
import { gridOf, plainFilm } from "./plain-film";

describe("a unit", () => {
  test("counts as the screen does, whatever the axes of the value", () => {
    expect(holds(gridOf([2, 12, 7, 5]), [23, 6, 4])).toBe(true);
    expect(holds(gridOf([2, 12, 7, 5]), [24, 0, 0])).toBe(false);
    expect(holds(gridOf([512, 1, 1]), [511])).toBe(true);
    expect(holds(gridOf([512, 1, 1]), [5, 0, 0])).toBe(false);
    expect(holds(gridOf([64, 197]), [5, 0, 196])).toBe(true);
    expect(holds(gridOf([3]), [1.5])).toBe(false);
  });

  test("is named by channel and place", () => {
    expect(unitText(gridOf([128, 27, 27]), [79, 16, 12])).toBe("ch 79, (16, 12)");
    expect(unitText(gridOf([64, 197]), [5, 0, 196])).toBe("ch 5, 196");
    expect(unitText(gridOf([512, 1, 1]), [7])).toBe("ch 7");
    expect(unitText(gridOf([512]), [7])).toBe("ch 7");
    expect(unitText(undefined, [1, 2])).toBe("(1, 2)");
    expect(unitText(gridOf([4]), [9])).toBe("(9)");
  });

  test("of a block is the one in its middle, within the value", () => {
    expect(middle(3, 1, 27)).toBe(3);
    expect(middle(0, 4, 10)).toBe(2);
    expect(middle(2, 4, 9)).toBe(8);
  });
});

describe("units before the first place", () => {
  // A class token and a register over three rows of five patches.
  const grid = { ...gridOf([8, 4, 5]), lead: 2 };

  test("are held in rows of their own, above", () => {
    expect(holds(grid, [7, 0, 1])).toBe(true);
    expect(holds(grid, [7, 0, 2])).toBe(false);
    expect(holds(grid, [7, 1, 4])).toBe(true);
    expect(unitText(grid, [7, 0, 1])).toBe("ch 7, token 1");
    expect(unitText(grid, [7, 1, 4])).toBe("ch 7, (0, 4)");
    expect(unitText({ ...gridOf([8, 2, 5]), lead: 1 }, [7, 1, 4])).toBe("ch 7, 4");
  });

  test("are meant by the cells that they lie in, and others of their row mean none", () => {
    const under = (row: number, column: number, block = 1) =>
      unitUnder(grid, 3, { row, column }, block);
    expect(under(0, 0)).toEqual([3, 0, 0]);
    expect(under(0, 1)).toEqual([3, 0, 1]);
    expect(under(0, 2)).toBeNull();
    expect(under(2, 3)).toEqual([3, 2, 3]);
    expect(under(0, 0, 2)).toEqual([3, 0, 0]);
    expect(under(0, 1, 2)).toEqual([3, 1, 3]);
    expect(under(1, 2, 2)).toEqual([3, 3, 4]);
  });
});

describe("a receptive field", () => {
  const field: Field = { start: [-3, -3], step: [2, 2], size: [7, 7] };
  const box = (at: number[], input: Seen = { height: 224, width: 224 }) =>
    fieldBox({ field }, at, input);

  test("is a part of the picture", () => {
    const part = 7 / 224;
    expect(box([0, 10, 20])).toEqual({ top: 17 / 224, left: 37 / 224, height: part, width: part });
  });

  test("is cut at the edges", () => {
    expect(box([0, 0, 111])).toEqual({ top: 0, left: 219 / 224, height: 4 / 224, width: 5 / 224 });
  });

  test("is counted in what the network saw, however large the picture is shown", () => {
    const shown = { height: 600, width: 600, shape: [3, 224, 224] };
    expect(box([0, 10, 20], shown)).toEqual(box([0, 10, 20]));
  });

  test("is rounded inwards where places were made finer", () => {
    const fine: Field = { start: [-0.5, 0.25], step: [0.5, 0.5], size: [2, 2] };
    const found = fieldBox({ field: fine }, [0, 4, 4], { height: 10, width: 10 });
    expect(found).toEqual({ top: 0.2, left: 0.3, height: 0.1, width: 0.1 });
  });

  test("is not drawn where there is nothing to draw", () => {
    expect(fieldBox({ field: null }, [0, 1, 1], { height: 224, width: 224 })).toBeNull();
    expect(box([0, 1, 1], { height: 1, width: 224 })).toBeNull();
    expect(box([7])).toBeNull();
    expect(box([0, 400, 0])).toBeNull();
  });
});

describe("the layout of tiles", () => {
  test("fills rows evenly and keeps captions apart", () => {
    const square = { height: 27, width: 27 };
    expect(layoutOf(1064, 24, square)).toMatchObject({ columns: 12, rows: 2 });
    expect(layoutOf(664, 24, square)).toMatchObject({ columns: 8, rows: 3 });
    expect(layoutOf(564, 24, square)).toMatchObject({ columns: 8, rows: 3 });
    for (let width = 200; width < 1400; width += 37) {
      const { columns, pitch, tile } = layoutOf(width, 24, square);
      expect(columns * pitch.across - 10).toBeLessThanOrEqual(width);
      expect(tile.width).toBeGreaterThanOrEqual(width < 380 ? 20 : 48);
    }
  });

  test("draws flat and tall maps within the room of a square", () => {
    const flat = layoutOf(664, 24, { height: 1, width: 197 });
    const tall = layoutOf(664, 24, { height: 200, width: 20 });
    expect(flat.tile.height).toBe(14);
    expect(tall.tile.height).toBe(tall.pitch.across - 10);
    expect(tall.tile.width).toBeLessThan(tall.tile.height);
  });

  test("finds the cell under a point, and none on captions and gaps", () => {
    const grid = { height: 10, width: 10 };
    const layout = layoutOf(664, 24, grid);
    const { tile, pitch } = layout;
    expect(cellIn(layout, grid, 24, 0, 0)).toEqual({ tile: 0, row: 0, column: 0 });
    const far = cellIn(layout, grid, 24, 7 * pitch.across + tile.width - 1, 2 * pitch.down + 1);
    expect(far).toEqual({ tile: 23, row: 0, column: 9 });
    expect(cellIn(layout, grid, 24, tile.width + 1, 0)).toBeNull();
    expect(cellIn(layout, grid, 24, 0, tile.height + 1)).toBeNull();
    expect(cellIn(layout, grid, 23, 7 * pitch.across, 2 * pitch.down)).toBeNull();
    expect(cellIn(layout, grid, 24, -1, 5)).toBeNull();
  });

  test("holds the room of the tallest step of a film", () => {
    const { frames } = plainFilm();
    const room = roomFor(frames, 664);
    for (const { tensor } of frames) {
      if (tensor.kind !== "maps") continue;
      const layout = layoutOf(664, tensor.shown.length, tensor, room);
      expect(layout.height).toBeLessThanOrEqual(room);
      if (tensor.shown.length === 3) expect(layout.columns).toBe(3);
    }
    expect(barsHeight(room)).toBeLessThan(room);
  });
});

describe("figures in columns", () => {
  test("have one power of ten, a multiple of three, taken out", () => {
    expect(powerOf([554.38e-6, 3e-6])).toBe(-6);
    expect(powerOf([0.5, -28])).toBe(0);
    expect(powerOf([2.5e7])).toBe(6);
    expect(powerOf([0, null])).toBe(0);
    expect(powerOf([1e-3])).toBe(-3);
    expect(factor(-6)).toBe("×10⁻⁶");
    expect(factor(0)).toBe("");
  });

  test("have the same decimals", () => {
    const column = columnOf([554.38e-6, 3.1e-6]);
    expect(inColumn(554.38e-6, column)).toBe("554.4");
    expect(inColumn(-3.1e-6, column)).toBe("−3.1");
    expect(inColumn(null, column)).toBe("not finite");
  });

  test("under a tile take few letters", () => {
    expect(brief(0.0551, 0)).toBe("0.055");
    expect(brief(-12.345e-6, -6)).toBe("−12.3");
    expect(brief(0, 0)).toBe("0");
    expect(brief(null, 0)).toBe("n.f.");
    expect(percent(0.069, 1)).toBe("6.9 %");
  });
});
