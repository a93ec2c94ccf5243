const LENGTH = 65_536;

/** Random access to a file's bytes, of which only a window is read at a time. */
export class ByteWindow {
  #from = 0;
  #bytes = new Uint8Array(0);

  constructor(private readonly file: Blob) {}

  get size(): number {
    return this.file.size;
  }

  /** `length` bytes from `offset` on, or null where the file ends before. */
  async at(offset: number, length: number): Promise<DataView | null> {
    if (offset < 0 || offset + length > this.file.size) return null;
    if (offset < this.#from || offset + length > this.#from + this.#bytes.length) {
      this.#from = offset;
      this.#bytes = new Uint8Array(await this.file.slice(offset, offset + Math.max(length, LENGTH)).arrayBuffer());
    }
    if (offset - this.#from + length > this.#bytes.length) return null;
    return new DataView(this.#bytes.buffer, offset - this.#from, length);
  }
}

export function textAt(view: DataView, offset: number, length: number): string {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + offset, length));
}
