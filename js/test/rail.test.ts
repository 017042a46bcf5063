import { expect, test, vi } from "vitest";
import { rail } from "../src/charts/rail";
import { layOut, textWidth } from "../src/charts/rail-layout";
import { film, find } from "./helpers";

test("the output stands on the right and the input on the left", () => {
  const { xs } = layOut(film().frames, 1000);
  expect(xs[0]).toBeGreaterThan(xs.at(-1) ?? 0);
  expect([...xs].sort((a, b) => b - a)).toEqual(xs);
});

test("zero lies on the track, and inside the ribbon's field where the ribbon changes sign", () => {
  const frames = film().frames.map((frame, index) => ({ ...frame, cut_bias: index }));
  const above = layOut(frames, 1000);
  expect(above.zero).toBe(above.track);
  const mixed = frames.map((frame, index) => ({ ...frame, cut_bias: index % 2 ? 2 : -1 }));
  expect(layOut(mixed, 1000).zero).toBeLessThan(above.track);
});

test.each([8, 110, 400])("labels keep clear of one another with %i stops", (stops) => {
  for (const width of [560, 1060]) {
    const { braces, bars } = layOut(film({ stops }).frames, width);
    const labels = braces.flatMap(({ from, to, label }) =>
      label === null ? [] : [{ middle: (from + to) / 2, half: textWidth(label) / 2 }],
    );
    const figures = bars.flatMap(({ x, figure }) =>
      figure === null ? [] : [{ middle: x, half: textWidth(figure) / 2 }],
    );
    for (const row of [labels, figures]) {
      const sorted = [...row].sort((a, b) => a.middle - b.middle);
      sorted.slice(1).forEach((next, index) => {
        const last = sorted[index] ?? next;
        expect(next.middle - next.half).toBeGreaterThan(last.middle + last.half);
      });
    }
    expect(figures.length).toBeGreaterThan(0);
  }
});

test("says where it stands as a slider", () => {
  const shown = film();
  const chart = rail({ onScrub: () => {} });
  chart.update({ film: shown, step: 3 });
  expect(chart.node.getAttribute("role")).toBe("slider");
  expect(chart.node.getAttribute("aria-valuenow")).toBe("3");
  expect(chart.node.getAttribute("aria-valuemax")).toBe("7");
  const name = shown.frames[3]?.name ?? "";
  expect(chart.node.getAttribute("aria-valuetext")).toMatch(`step 3 of 7, ${name}, bias arriving`);
  expect(find(chart.node, ".here").textContent).toBe(name);
});

test("glides to the next stop, and draws nothing anew on the way", () => {
  const chart = rail({ onScrub: () => {} });
  const shown = film();
  chart.update({ film: shown, step: 0 });
  const stops = [...chart.node.querySelectorAll(".stop")];
  const at = () => Number(find(chart.node, ".cursor").getAttribute("x1"));
  const { xs } = layOut(shown.frames, 1060);
  chart.update({ film: shown, step: 1 });
  vi.advanceTimersByTime(64);
  expect(at()).toBeLessThan(xs[0] ?? 0);
  expect(at()).toBeGreaterThan(xs[1] ?? 0);
  vi.advanceTimersByTime(200);
  expect(at()).toBeCloseTo(xs[1] ?? 0);
  expect([...chart.node.querySelectorAll(".stop")]).toEqual(stops);
  chart.destroy();
});

test("the pointer scrubs to the nearest stop and rests where it is let go", () => {
  const onScrub = vi.fn();
  const chart = rail({ onScrub });
  const shown = film();
  chart.update({ film: shown, step: 0 });
  const { xs } = layOut(shown.frames, 1060);
  const send = (type: string, clientX: number) =>
    chart.node.dispatchEvent(new MouseEvent(type, { clientX, bubbles: true }));
  send("pointermove", 10);
  send("pointerdown", (xs[2] ?? 0) + 3);
  send("pointermove", (xs[5] ?? 0) - 3);
  send("pointerup", -50);
  expect(onScrub.mock.calls).toEqual([
    [2, false],
    [5, false],
    [7, true],
  ]);
});
