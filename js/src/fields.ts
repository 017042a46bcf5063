/** Reading plain data that came from Python: every complaint names the place, what was wanted and what came. */

import type { Figure, Parameter } from "./film";

export class WireError extends Error {
  override name = "WireError";
}

export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** One JSON object of the header, and where it stands in it. */
export class Fields {
  readonly #data: Record<string, unknown>;
  readonly path: string;

  constructor(data: unknown, path: string) {
    if (typeof data !== "object" || data === null || Array.isArray(data)) {
      throw new WireError(`${path}: wanted an object, got ${describe(data)}`);
    }
    this.#data = data as Record<string, unknown>;
    this.path = path;
  }

  /** The raw value; a missing key is an error that lists the keys that did come. */
  raw(name: string): unknown {
    if (!(name in this.#data)) {
      const came = Object.keys(this.#data).join(", ") || "no keys at all";
      throw new WireError(`${this.path}: wanted the key "${name}", got ${came}`);
    }
    return this.#data[name];
  }

  #refuse(name: string, wanted: string): never {
    throw new WireError(
      `${this.path}.${name}: wanted ${wanted}, got ${describe(this.#data[name])}`,
    );
  }

  number(name: string): number {
    const value = this.raw(name);
    return typeof value === "number" ? value : this.#refuse(name, "a number");
  }

  /** A whole number, zero or larger: a size, a count or an offset. */
  size(name: string): number {
    const value = this.raw(name);
    const fits = typeof value === "number" && Number.isInteger(value) && value >= 0;
    return fits ? value : this.#refuse(name, "a whole number, zero or larger");
  }

  figure(name: string): Figure {
    const value = this.raw(name);
    return value === null || typeof value === "number"
      ? value
      : this.#refuse(name, "a number or null");
  }

  text(name: string): string {
    const value = this.raw(name);
    return typeof value === "string" ? value : this.#refuse(name, "text");
  }

  textOrNull(name: string): string | null {
    return this.raw(name) === null ? null : this.text(name);
  }

  flag(name: string): boolean {
    const value = this.raw(name);
    return typeof value === "boolean" ? value : this.#refuse(name, "true or false");
  }

  fields(name: string): Fields {
    return new Fields(this.raw(name), `${this.path}.${name}`);
  }

  fieldsOrNull(name: string): Fields | null {
    return this.raw(name) === null ? null : this.fields(name);
  }

  /** The object as it came, unread. */
  object(name: string): Record<string, unknown> {
    return this.fields(name).#data;
  }

  get names(): string[] {
    return Object.keys(this.#data);
  }

  /** A list of objects, each read in the same way. */
  each<T>(name: string, read: (entry: Fields) => T): T[] {
    return this.list(name).map((entry, index) =>
      read(new Fields(entry, `${this.path}.${name}[${index}]`)),
    );
  }

  list(name: string): unknown[] {
    const value = this.raw(name);
    return Array.isArray(value) ? value : this.#refuse(name, "a list");
  }

  figures(name: string): Figure[] {
    const values = this.list(name);
    const fits = (value: unknown): value is Figure => value === null || typeof value === "number";
    return values.every(fits) ? values : this.#refuse(name, "a list of numbers");
  }

  sizes(name: string): number[] {
    const values = this.list(name);
    const fits = (value: unknown): value is number =>
      typeof value === "number" && Number.isInteger(value) && value >= 0;
    return values.every(fits) ? values : this.#refuse(name, "a list of whole numbers");
  }

  texts(name: string): string[] {
    const values = this.list(name);
    const fits = (value: unknown): value is string => typeof value === "string";
    return values.every(fits) ? values : this.#refuse(name, "a list of texts");
  }

  textsOrNull(name: string): string[] | null {
    return this.raw(name) === null ? null : this.texts(name);
  }

  parameters(name: string): Record<string, Parameter> {
    const entries = Object.entries(this.fields(name).#data).map(([key, value]) => {
      if (value !== null && typeof value === "object") {
        throw new WireError(
          `${this.path}.${name}.${key}: wanted one value, got ${describe(value)}`,
        );
      }
      return [key, value as Parameter] as const;
    });
    return Object.fromEntries(entries);
  }
}
