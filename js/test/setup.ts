/** What jsdom has not: a canvas that records, and the few browser calls that the charts make. */

import { afterEach, beforeEach, vi } from "vitest";

export interface Recording {
  calls: string[];
  image: Uint8ClampedArray | null;
}

const recordings = new WeakMap<HTMLCanvasElement, Recording>();

export function recordingOf(canvas: HTMLCanvasElement): Recording {
  const known = recordings.get(canvas) ?? { calls: [], image: null };
  recordings.set(canvas, known);
  return known;
}

function fakeContext(canvas: HTMLCanvasElement) {
  const record = recordingOf(canvas);
  const note =
    (name: string) =>
    (...values: unknown[]) => {
      record.calls.push(
        `${name}(${values.filter((value) => typeof value === "number").join(", ")})`,
      );
    };
  return {
    createImageData: (width: number, height: number) => ({
      width,
      height,
      data: new Uint8ClampedArray(width * height * 4),
    }),
    putImageData: (image: { data: Uint8ClampedArray }) => {
      record.calls.push("putImageData");
      record.image = image.data;
    },
    drawImage: note("drawImage"),
    clearRect: note("clearRect"),
    fillRect: note("fillRect"),
    setTransform: note("setTransform"),
  };
}

HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement) {
  return fakeContext(this);
} as unknown as HTMLCanvasElement["getContext"];

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      "setTimeout",
      "clearTimeout",
      "performance",
      "requestAnimationFrame",
      "cancelAnimationFrame",
    ],
  });
});

afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
  delete document.body.dataset.jpThemeLight;
});
