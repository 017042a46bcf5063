/** The other side of the wire: a header and a body into one blob, as Python writes it. */

export class Packer {
  readonly #blocks: Uint8Array[] = [];
  #size = 0;

  /** Append a block and return its offset; floats start on a multiple of four. */
  add(block: Uint8Array | Float32Array): number {
    this.#pad(4);
    const offset = this.#size;
    this.#push(new Uint8Array(block.buffer, block.byteOffset, block.byteLength).slice());
    return offset;
  }

  /** The blob, optionally at an odd place in its buffer, as a message may deliver it. */
  pack(header: object, shift = 0): DataView {
    const json = new TextEncoder().encode(JSON.stringify(header));
    const length = Math.ceil(json.length / 4) * 4;
    const out = new Uint8Array(shift + 4 + length + this.#size);
    new DataView(out.buffer).setUint32(shift, length, true);
    out.fill(32, shift + 4, shift + 4 + length);
    out.set(json, shift + 4);
    let at = shift + 4 + length;
    for (const block of this.#blocks) {
      out.set(block, at);
      at += block.length;
    }
    return new DataView(out.buffer, shift);
  }

  #pad(multiple: number): void {
    const rest = this.#size % multiple;
    if (rest > 0) this.#push(new Uint8Array(multiple - rest));
  }

  #push(block: Uint8Array): void {
    this.#blocks.push(block);
    this.#size += block.length;
  }
}
