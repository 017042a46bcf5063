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
  };

  const press = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
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
