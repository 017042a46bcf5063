/** Keys of the whole widget. A control that needs a key for itself keeps it. */

export interface Keys {
  toward(): void;
  back(): void;
  output(): void;
  input(): void;
  play(): void;
  escape(): void;
  hurry(faster: boolean): void;
  rule(index: number): void;
  anomaly(): void;
  undo(): void;
  redo(): void;
}

const NATIVE = "button, input, select, textarea, summary, a, pre";

export function keyboard(root: HTMLElement, keys: Keys): () => void {
  const act: Record<string, () => void> = {
    ArrowLeft: keys.toward,
    ArrowRight: keys.back,
    Home: keys.output,
    End: keys.input,
    " ": keys.play,
    Escape: keys.escape,
    "[": () => keys.hurry(false),
    "]": () => keys.hurry(true),
    n: keys.anomaly,
  };

  /** Undoing is the widget's also from a slider or a button; a field of text keeps its own. */
  const history = (event: KeyboardEvent): (() => void) | null => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return null;
    const target = event.target instanceof Element ? event.target : null;
    if (target?.matches("textarea, input[type=search], input[type=text]")) return null;
    const key = event.key.toLowerCase();
    if (key === "y" || (key === "z" && event.shiftKey)) return keys.redo;
    return key === "z" ? keys.undo : null;
  };

  const press = (event: KeyboardEvent) => {
    if (event.defaultPrevented) return;
    const past = history(event);
    if (past) {
      event.preventDefault();
      event.stopPropagation();
      return past();
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const control = event.target instanceof Element ? event.target.closest(NATIVE) : null;
    // Sliders and fields live by the keyboard: only Escape is ours there. A button keeps its space bar.
    const typing = control !== null && !(control instanceof HTMLButtonElement);
    if (typing && event.key !== "Escape") return;
    if (control && event.key === " ") return;
    const digit = /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
    const action = digit > 0 ? () => keys.rule(digit - 1) : act[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };

  root.addEventListener("keydown", press);
  return () => root.removeEventListener("keydown", press);
}
