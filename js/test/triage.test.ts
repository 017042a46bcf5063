import { describe, expect, test, vi } from "vitest";
import { anomalies, nextAnomaly, triage } from "../src/charts/triage";
import type { Film, Frame } from "../src/film";
import { filmOf, look, residual } from "./films";
import { find, press } from "./helpers";

function change(film: Film, index: number, by: Partial<Frame>) {
  const frame = film.frames[index];
  if (frame) Object.assign(frame, by);
}

/** One of each: a residual that stays, a NaN, mass without a place, a dead layer. */
function ill(): Film {
  const film = filmOf(residual());
  const sound = film.frames[0]?.triage;
  for (let at = 4; at < film.frames.length; at += 1)
    change(film, at, { residual: 0.5, exact: false });
  change(film, 9, { triage: { ...sound, broken: 3 } as Frame["triage"] });
  change(film, 12, { unshared: 0.25 });
  change(film, 15, { triage: { ...sound, dead: 1 } as Frame["triage"] });
  return film;
}

describe("anomalies", () => {
  test("a sound film has none", () => {
    expect(anomalies(filmOf(residual()))).toEqual([]);
    expect(nextAnomaly(filmOf(residual()), 3)).toBeNull();
  });

  test("are where they arise, and are walked in a ring", () => {
    const film = ill();
    expect(anomalies(film)).toEqual([4, 9, 12, 15]);
    expect(nextAnomaly(film, 0)).toBe(4);
    expect(nextAnomaly(film, 9)).toBe(12);
    expect(nextAnomaly(film, 15)).toBe(4);
  });

  test("what is not finite is one, and counts once", () => {
    const film = filmOf(residual());
    change(film, 6, { residual: null });
    change(film, 7, { residual: null });
    change(film, 8, { unshared: null });
    expect(anomalies(film)).toEqual([6, 8]);
  });
});

describe("the strip", () => {
  function open(film: Film, other: Film | null = null, step = 4) {
    const onLook = vi.fn();
    const chart = triage({ onLook });
    document.body.append(chart.node);
    let shown = look({ step, level: "ops" });
    const show = () => chart.update({ film, other, look: shown });
    onLook.mockImplementation((by) => {
      shown = { ...shown, ...by };
      show();
    });
    show();
    return { chart, onLook, show };
  }

  const rows = (root: ParentNode) => [...root.querySelectorAll("tbody tr")];
  const cellsOf = (row: Element | undefined) =>
    [...(row?.querySelectorAll<HTMLElement>("[role=gridcell]") ?? [])].reverse();

  test("has a column for each stop and a row for each quantity, with the exact figures", () => {
    const film = ill();
    const { chart } = open(film);
    expect(rows(chart.node)).toHaveLength(8);
    for (const row of rows(chart.node)) expect(cellsOf(row)).toHaveLength(film.frames.length);
    const byLabel = (label: string) =>
      cellsOf(rows(chart.node).find((row) => row.textContent?.startsWith(label)));
    expect(byLabel("NaN")[9]?.dataset.value).toBe("3");
    expect(byLabel("unshared")[12]?.dataset.value).toBe("0.25");
    expect(byLabel("residual")[4]?.dataset.value).toBe("0.5");
    expect(byLabel("negative")[3]?.title).toContain("30.0 %");
  });

  test("tells anomalies by a sign, not by colour alone", () => {
    const { chart } = open(ill());
    const signs = cellsOf(rows(chart.node)[0]);
    expect([4, 9, 12, 15].map((at) => signs[at]?.textContent)).toEqual(["✗", "∅", "!", "○"]);
    expect(signs[5]?.textContent).toBe("");
    expect(signs[9]?.getAttribute("aria-label")).toContain("NaN");
    expect(find(chart.node, "[role=status]").textContent).toContain("4 anomalies");
  });

  test("prints the figures of the stop, and follows the step without being drawn again", () => {
    const { chart, onLook } = open(ill());
    expect(find(chart.node, "[data-key=residual]").dataset.value).toBe("0.5");
    const first = rows(chart.node)[0];
    find(chart.node, "button").click();
    expect(onLook.mock.lastCall?.[0]).toEqual({ step: 9 });
    expect(find(chart.node, "[data-key=broken]").textContent).toBe("3");
    expect(rows(chart.node)[0]).toBe(first);
    expect(chart.node.querySelectorAll("td.here")).toHaveLength(8);
  });

  test("is one stop for the tab key; the arrows go as on the rail", () => {
    const { chart, onLook } = open(ill());
    const tabbable = () => [...chart.node.querySelectorAll<HTMLElement>("td[tabindex='0']")];
    expect(tabbable()).toHaveLength(1);
    tabbable()[0]?.focus();
    press(tabbable()[0] as Element, "ArrowLeft");
    expect(onLook.mock.lastCall?.[0]).toEqual({ step: 5 });
    expect(document.activeElement).toBe(tabbable()[0]);
    press(tabbable()[0] as Element, "ArrowDown");
    expect(document.activeElement?.getAttribute("aria-label")).toContain("residual");
    press(tabbable()[0] as Element, "Home");
    expect(onLook.mock.lastCall?.[0]).toEqual({ step: 0 });
  });

  test("sums a stop's steps at a coarser level", () => {
    const film = ill();
    film.levels.blocks = [0, 14, film.frames.length - 1].map((frame) => ({
      frame,
      name: `to ${frame}`,
      group: "",
    }));
    const chart = triage({ onLook: () => {} });
    chart.update({ film, other: null, look: look({ level: "blocks", step: 3 }) });
    expect(find(chart.node, "[data-key=broken]").textContent).toBe("3");
    expect(find(chart.node, "[data-key=ms]").textContent).toBe("14.0 ms");
  });

  test("holds two films against each other, found by the node", () => {
    const other = filmOf(residual(4, 2));
    change(other, 4, { unshared: 0.75 });
    const { chart } = open(ill(), other);
    expect(find(chart.node, "[data-key=unshared-other]").dataset.value).toBe("0.75");
    expect(chart.node.querySelectorAll("i.down").length).toBeGreaterThan(0);
    const strange = filmOf([{}, { module: "x" }, {}]);
    const lost = open(ill(), strange);
    expect(find(lost.chart.node, "[data-key=unshared-other]").textContent).toBe("–");
  });

  test("draws the tolerance across the residuals, and says which are beyond it", () => {
    const film = ill();
    const { chart } = open(film);
    const row = rows(chart.node).find((one) => one.textContent?.startsWith("residual"));
    const line = Number((row as HTMLElement).style.getPropertyValue("--bbp-bound"));
    const bars = cellsOf(row).map((cell) =>
      Number(cell.querySelector("i")?.style.getPropertyValue("--bbp-part")),
    );
    film.frames.forEach(({ residual: value }, at) => {
      const beyond = Math.abs(value ?? 0) > (film.totals.tolerance ?? 0);
      expect((bars[at] ?? 0) > line).toBe(beyond);
      expect(cellsOf(row)[at]?.title).toContain(`${beyond ? "beyond" : "within"} the tolerance`);
    });
    expect(find(chart.node, ".key-line").textContent).toContain("┄ tolerance ");
  });

  test("keeps the focus where the film comes once more with its entropies", () => {
    const { chart, show } = open(ill());
    chart.node.querySelector<HTMLElement>("td[tabindex='0']")?.focus();
    press(document.activeElement as Element, "ArrowDown");
    const says = document.activeElement?.getAttribute("aria-label");
    chart.update({ film: ill(), other: null, look: look({ step: 4, level: "ops" }) });
    expect(document.activeElement?.getAttribute("aria-label")).toBe(says);
    show();
  });
});
