/** A picture of the reader's own: by a button, or dropped anywhere on the widget. */

import { button, el } from "../dom";

export const MOST_BYTES = 10_000_000;
/** No network here sees more: beyond it a picture is made smaller before it is sent. */
export const MOST_SIDE = 1024;

/** Why a file is not taken, or null where it is. A drawing in vectors has no pixels of its own. */
export function refusal({ name, type, size }: { name: string; type: string; size: number }) {
  if (!type.startsWith("image/") || type === "image/svg+xml") {
    return `${name} is not a picture that can be read: a PNG, JPEG, WebP or GIF is wanted`;
  }
  if (size > MOST_BYTES) {
    return `${name} has ${(size / 1e6).toFixed(1)} MB: at most ${MOST_BYTES / 1e6} MB are taken`;
  }
  return null;
}

/** A PNG or JPEG of at most so many pixels a side; a file that is one already is sent as it is. */
export async function shrink(file: File): Promise<File> {
  const known = file.type === "image/png" || file.type === "image/jpeg";
  if (typeof createImageBitmap === "undefined") return file;
  const picture = await createImageBitmap(file);
  const { height, width } = picture;
  const scale = Math.min(1, MOST_SIDE / Math.max(height, width));
  if (known && scale === 1) {
    picture.close();
    return file;
  }
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  if (context) context.imageSmoothingQuality = "high";
  context?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const type = file.type === "image/jpeg" ? "image/jpeg" : "image/png";
  const made = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, 0.95));
  if (!made) throw new Error("the browser made no picture of it");
  return new File([made], file.name, { type });
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

export function upload({ onUpload }: { onUpload(file: File): void }) {
  const picker = el("input", {
    type: "file",
    accept: "image/*",
    hidden: true,
    "aria-label": "picture",
  });
  const opener = button(
    { class: "add", title: "or drop one anywhere on the explorer" },
    () => picker.click(),
    "+ picture",
  );
  const says = el("span", { class: "soft refused", role: "status" });
  const nodes = [opener, picker, says];
  const sheet = el(
    "div",
    { class: "bbp-drop", hidden: true },
    el("span", {}, "Drop a picture to explain it"),
  );
  let on = false;
  let stop: (() => void) | null = null;

  async function take(files: ArrayLike<File>) {
    const [file] = Array.from(files);
    if (!file) return;
    const wrong = refusal(file);
    says.textContent = wrong ?? (files.length > 1 ? `only ${file.name} is taken` : "");
    if (wrong !== null) return;
    try {
      onUpload(await shrink(file));
    } catch {
      says.textContent = `${file.name} cannot be read as a picture`;
    }
  }

  picker.addEventListener("change", () => {
    void take([...(picker.files ?? [])]);
    // The same file may be chosen again.
    picker.value = "";
  });

  /** Dropping is for the whole widget, which is known once the controls stand in it. */
  function listen(root: HTMLElement) {
    let depth = 0;
    const rest = () => {
      depth = 0;
      sheet.hidden = true;
    };
    const enter = (event: DragEvent) => {
      if (!on || !carriesFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      depth += 1;
      sheet.hidden = false;
    };
    const over = (event: DragEvent) => {
      if (!on || !carriesFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
    };
    const leave = () => {
      depth = Math.max(0, depth - 1);
      if (depth === 0) sheet.hidden = true;
    };
    const drop = (event: DragEvent) => {
      if (!on || !carriesFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      rest();
      void take(event.dataTransfer?.files ?? []);
    };
    root.append(sheet);
    root.addEventListener("dragenter", enter);
    root.addEventListener("dragover", over);
    root.addEventListener("dragleave", leave);
    root.addEventListener("drop", drop);
    return () => {
      sheet.remove();
      root.removeEventListener("dragenter", enter);
      root.removeEventListener("dragover", over);
      root.removeEventListener("dragleave", leave);
      root.removeEventListener("drop", drop);
    };
  }

  return {
    nodes,
    update(allowed: boolean) {
      on = allowed;
      opener.hidden = !allowed;
      if (!allowed) says.textContent = "";
      const root = opener.closest<HTMLElement>(".bbp");
      if (allowed && !stop && root) stop = listen(root);
    },
    destroy() {
      stop?.();
    },
  };
}
