/** Light or dark, as the host says it: JupyterLab, then VS Code, then the reader's own system. */

import type { Theme } from "./colour";

const SYSTEM = "(prefers-color-scheme: dark)";

export function currentTheme(): Theme {
  const { jpThemeLight, vscodeThemeKind } = document.body.dataset;
  if (jpThemeLight !== undefined) return jpThemeLight === "false" ? "dark" : "light";
  if (vscodeThemeKind !== undefined) {
    return /dark|high-contrast$/.test(vscodeThemeKind) ? "dark" : "light";
  }
  return globalThis.matchMedia?.(SYSTEM).matches ? "dark" : "light";
}

/** Call back now and at every change; returns what stops it. */
export function followTheme(onTheme: (theme: Theme) => void): () => void {
  let last: Theme | null = null;
  const look = () => {
    const theme = currentTheme();
    if (theme === last) return;
    last = theme;
    onTheme(theme);
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"],
  });
  const system = globalThis.matchMedia?.(SYSTEM);
  system?.addEventListener("change", look);
  look();
  return () => {
    observer.disconnect();
    system?.removeEventListener("change", look);
  };
}
