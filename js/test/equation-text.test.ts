import { describe, expect, test } from "vitest";
import { cell, equationCsv } from "../src/csv";
import { equationLatex, escaped } from "../src/latex";
import { unitAnswer } from "./plain-film";

const NASTY = '=HYPERLINK("http://x"),<img src=x onerror=alert(1)>';

describe("CSV", () => {
  test("quotes what must be quoted, and keeps names from being formulas", () => {
    expect(cell("plain")).toBe("plain");
    expect(cell('say "a, b"')).toBe('"say ""a, b"""');
    expect(cell("two\nlines")).toBe('"two\nlines"');
    for (const mark of ["=", "+", "-", "@"]) expect(cell(`${mark}1+1`)).toBe(`'${mark}1+1`);
    expect(cell(" =1")).toBe("' =1");
    expect(cell("\t=1")).toBe("'\t=1");
    expect(cell(-0.5)).toBe("-0.5");
    expect(cell(null)).toBe("NaN");
    expect(cell(undefined)).toBe("");
  });

  test("holds every figure to the last bit, and the rest of the terms", () => {
    const answer = unitAnswer();
    const lines = equationCsv(answer).trimEnd().split("\r\n");
    expect(lines[0]).toBe("direction,frame,name,unit,weight,value,strength,share,mass,amount");
    const gives = lines.filter((line) => line.startsWith("gives"));
    expect(gives).toHaveLength(answer.gives.terms.length + 1);
    const [first] = answer.gives.terms;
    expect(gives[0]).toContain(`"(${first?.at.join(", ")})",${first?.weight},${first?.value}`);
    expect(gives[0]?.endsWith(`${first?.share},,${first?.mass}`)).toBe(true);
    expect(gives.at(-1)).toBe(
      `gives,,the other 279,,,,,${answer.gives.rest_share},,${answer.gives.rest_mass}`,
    );
    expect(lines).toContain(`own,,intercept,,,,,,,${answer.own}`);
    expect(lines.find((line) => line.startsWith("mass,"))).toBe(
      `mass,,features_6_expand3x3,"(79, 16, 12)",,1.25,,,,${answer.mass}`,
    );
    expect(lines.some((line) => line.startsWith("unshared"))).toBe(false);
    expect(equationCsv(unitAnswer({ unshared: null }))).toContain("unshared,,,,,,,,,NaN\r\n");
  });

  test("is safe with any name", () => {
    const text = equationCsv(unitAnswer({ node: NASTY }));
    expect(text).toContain(`"'=HYPERLINK(""http://x""),<img src=x onerror=alert(1)>"`);
  });
});

describe("LaTeX", () => {
  test("prints names as they stand", () => {
    expect(escaped("a_b & 50% #1 {x} $y$ \\z ~ ^ <i>")).toBe(
      "a\\_b \\& 50\\% \\#1 \\{x\\} \\$y\\$ \\textbackslash{}z \\textasciitilde{} \\textasciicircum{} \\textless{}i\\textgreater{}",
    );
    expect(escaped("two\nlines")).toBe("two lines");
  });

  test("has both tables, the powers in the heads and the remainder", () => {
    const text = equationLatex(unitAnswer(), ({ name, at }) => `${name} ${at.join("_")}`);
    expect(text.match(/\\begin\{tabular\}/g)).toHaveLength(2);
    expect(text).toContain("gets / $10^{-6}$");
    expect(text).toContain("features.3.squeeze 15\\_16\\_12 & $");
    expect(text).toContain("the other 279 &");
    expect(text).toContain("mass of the unit &  &  &  & $554.4$");
    expect(text).not.toContain("NaN");
  });

  test("ends the comment of its first line, whatever the node is called", () => {
    const text = equationLatex(unitAnswer({ node: "a\n\\input{secret}" }), () => "x");
    expect(text.split("\n")[1]?.startsWith("\\begin{tabular}")).toBe(true);
  });

  test("leaves out what the input does not do", () => {
    const gives = { terms: [], count: 0, rest_share: 0, rest_mass: 0 };
    const text = equationLatex(unitAnswer({ gives }), () => "x");
    expect(text.match(/\\begin\{tabular\}/g)).toHaveLength(1);
  });
});
