/**
 * One meaning of colour in two themes: blue below zero, orange-brown above, zero the colour of the paper.
 *
 * Zero is light on light and dark on dark, so in both the eye goes to where mass is, and ink grows with it.
 */

import type { Figure } from "./film";

export type Theme = "light" | "dark";
type Rgb = readonly [number, number, number];

/** From zero outward. Lightness runs one way along each arm, so the picture holds without hue. */
const ARMS: Record<Theme, { zero: Rgb; positive: Rgb[]; negative: Rgb[]; broken: Rgb }> = {
  light: {
    zero: [249, 248, 245],
    positive: [
      [243, 196, 165],
      [217, 117, 62],
      [148, 48, 12],
    ],
    negative: [
      [183, 207, 236],
      [86, 140, 207],
      [22, 66, 140],
    ],
    broken: [126, 46, 160],
  },
  dark: {
    zero: [30, 34, 40],
    positive: [
      [98, 56, 40],
      [226, 112, 64],
      [255, 208, 172],
    ],
    negative: [
      [44, 70, 116],
      [98, 156, 238],
      [196, 224, 255],
    ],
    broken: [196, 112, 232],
  },
};

function along(stops: Rgb[], t: number): Rgb {
  const place = t * (stops.length - 1);
  const index = Math.min(Math.floor(place), stops.length - 2);
  const from = stops[index] ?? stops[0] ?? [0, 0, 0];
  const to = stops[index + 1] ?? from;
  const part = place - index;
  const mix = (channel: 0 | 1 | 2) => from[channel] + (to[channel] - from[channel]) * part;
  return [mix(0), mix(1), mix(2)];
}

function pack(rgb: Rgb, alpha: number): number {
  const [red, green, blue] = rgb.map(Math.round) as [number, number, number];
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function build(theme: Theme, alphaOf: (strength: number) => number): Uint32Array {
  const { zero, positive, negative, broken } = ARMS[theme];
  const table = new Uint32Array(256);
  for (let code = 1; code < 256; code += 1) {
    const value = (code - 128) / 127;
    const arm = value < 0 ? negative : positive;
    const strength = Math.min(1, Math.abs(value));
    table[code] = pack(along([zero, ...arm], strength), alphaOf(strength));
  }
  table[0] = pack(broken, 255);
  return table;
}

const tables = new Map<string, Uint32Array>();

function table(name: string, theme: Theme, alphaOf: (strength: number) => number): Uint32Array {
  const key = `${name} ${theme}`;
  const known = tables.get(key) ?? build(theme, alphaOf);
  tables.set(key, known);
  return known;
}

/** Code 0..255 to an opaque pixel. */
export function palette(theme: Theme): Uint32Array {
  return table("opaque", theme, () => 255);
}

/** The same colours over a picture: zero lets the picture through. */
export function veil(theme: Theme): Uint32Array {
  return table("veil", theme, (strength) => Math.round(255 * Math.min(1, strength ** 0.6 * 1.08)));
}

/** The palette as a strip under a picture. */
export function rampImage(theme: Theme): string {
  const { zero, positive, negative } = ARMS[theme];
  const css = (rgb: Rgb) => `rgb(${rgb.join(" ")})`;
  return `linear-gradient(90deg, ${[...negative].reverse().concat([zero], positive).map(css).join(", ")})`;
}

/** Floats to the codes that tiles already come in. */
export function encode(values: Float32Array, limit: Figure): Uint8Array {
  const codes = new Uint8Array(values.length);
  const scale = limit === null || limit === 0 ? 0 : 127 / limit;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? 0;
    if (!Number.isFinite(value)) continue;
    const code = Math.round(value * scale) + 128;
    codes[index] = Math.min(255, Math.max(1, code));
  }
  return codes;
}

/** Codes onto a canvas, one canvas pixel for each. */
export function paint(
  canvas: HTMLCanvasElement,
  codes: Uint8Array,
  height: number,
  width: number,
  colours: Uint32Array,
): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context || width === 0 || height === 0) return;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let index = 0; index < pixels.length; index += 1) {
    pixels[index] = colours[codes[index] ?? 0] ?? 0;
  }
  context.putImageData(image, 0, 0);
}

export function paintRgb(
  canvas: HTMLCanvasElement,
  rgb: Uint8Array,
  height: number,
  width: number,
): void {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context || width === 0 || height === 0) return;
  const image = context.createImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    image.data[pixel * 4] = rgb[pixel * 3] ?? 0;
    image.data[pixel * 4 + 1] = rgb[pixel * 3 + 1] ?? 0;
    image.data[pixel * 4 + 2] = rgb[pixel * 3 + 2] ?? 0;
    image.data[pixel * 4 + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
