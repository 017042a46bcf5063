import { afterEach, describe, expect, test, vi } from "vitest";
import { toolbar } from "../src/charts/toolbar";
import { copier } from "../src/copy";
import { look } from "./films";
import { find, press } from "./helpers";

const settle = async () => {
  for (let i = 0; i < 4; i += 1) await Promise.resolve();
};

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function open(text: string | null = "1,2") {
  const say = vi.fn();
  const clipboard = copier({ say });
  const button = clipboard.button({ face: "CSV", what: "it as CSV", make: () => text });
  document.body.append(button, clipboard.node);
  return { say, button, node: clipboard.node };
}

describe("copying", () => {
  test("says on the button that it has copied, for a moment", async () => {
    vi.useFakeTimers();
    const texts: string[] = [];
    vi.stubGlobal("navigator", {
      clipboard: { writeText: async (text: string) => texts.push(text) },
    });
    const { say, button, node } = open();
    expect(button.getAttribute("aria-label")).toBe("copy it as CSV");
    button.click();
    await vi.advanceTimersByTimeAsync(10);
    expect(texts).toEqual(["1,2"]);
    expect(button.textContent).toContain("copied");
    expect(button.getAttribute("aria-label")).toBe("copied it as CSV");
    expect(say).toHaveBeenCalledWith("copied it as CSV");
    await vi.advanceTimersByTimeAsync(2000);
    expect(button.textContent).toBe("CSV");
    expect(button.getAttribute("aria-label")).toBe("copy it as CSV");
    expect(node.hidden).toBe(true);
  });

  test("copies nothing where there is nothing", async () => {
    const { say, button, node } = open(null);
    button.click();
    await settle();
    expect(say).not.toHaveBeenCalled();
    expect(node.hidden).toBe(true);
  });

  test("the state too is laid out where the browser keeps its clipboard, and the focus comes back", async () => {
    const tools = toolbar({ onUndo: () => {}, onRedo: () => {}, say: () => {} });
    document.body.append(tools.node, tools.byHand);
    tools.update({ look: look({ step: 4 }), canUndo: false, canRedo: false, gone: null });
    const copy = find(tools.node, "button.copy");
    copy.focus();
    copy.click();
    await settle();
    const field = find<HTMLTextAreaElement>(tools.byHand, "textarea");
    expect(field.value).toContain("explorer.state = {");
    expect(document.activeElement).toBe(field);
    expect(copy.textContent).toBe("copy as Python");
    press(field, "Escape");
    expect(document.activeElement).toBe(copy);
  });
});
