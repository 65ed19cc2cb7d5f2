/**
 * Bounded buffers for the output of containers (I7). They are arrays of chunks, since zx and execa store output in arrays.
 */

/** Bytes of a command's output; a longer one is a failure. */
export const maxOutputBytes = 16 * 2 ** 20;
/** Bytes of a command's stderr. */
export const maxStderrBytes = 64 * 2 ** 10;
/** Bytes of a build's output. */
export const maxLogBytes = 4 * 2 ** 20;

/** Return the error message of an output that overflowed. */
export const overflowMessage = (maxBytes: number) =>
  `docker printed more than ${maxBytes} bytes and was cut off`;

/** Keeps the first bytes, and calls `onOverflow` at the first byte too many. */
export class FirstBytes extends Array<Buffer> {
  readonly #maxBytes: number;
  readonly #onOverflow: () => void;
  #size = 0;

  constructor(maxBytes: number, onOverflow: () => void) {
    super();
    this.#maxBytes = maxBytes;
    this.#onOverflow = onOverflow;
  }

  get isFull(): boolean {
    return this.#size > this.#maxBytes;
  }

  override push(...chunks: Buffer[]): number {
    for (const chunk of chunks) {
      if (this.isFull) break;
      const room = this.#maxBytes - this.#size;
      this.#size += chunk.length;
      append(this, chunk.subarray(0, room));
      if (this.isFull) this.#onOverflow();
    }
    return this.length;
  }

  text(encoding: BufferEncoding = 'utf8'): string {
    return Buffer.concat(this).toString(encoding);
  }
}

/** Keeps the last bytes, and reports how many it dropped. */
export class LastBytes extends Array<Buffer> {
  readonly #maxBytes: number;
  #size = 0;
  #dropped = 0;

  constructor(maxBytes: number) {
    super();
    this.#maxBytes = maxBytes;
  }

  override push(...chunks: Buffer[]): number {
    for (const chunk of chunks) {
      append(this, chunk);
      this.#size += chunk.length;
    }
    while (this.#size > this.#maxBytes) {
      const over = this.#size - this.#maxBytes;
      const first = this[0]!;
      if (first.length > over) this[0] = first.subarray(over);
      else this.shift();
      const gone = Math.min(first.length, over);
      this.#size -= gone;
      this.#dropped += gone;
    }
    return this.length;
  }

  text(): string {
    const kept = Buffer.concat(this).toString();
    return this.#dropped === 0 ? kept : `[${this.#dropped} bytes before this were left out]\n${kept}`;
  }
}

/** Chunks are joined up to this many bytes, so that many small ones take no more memory than a few. */
const page = 4096;

/** Add a chunk to a list of chunks. */
export function append(list: Buffer[], chunk: Buffer): void {
  const last = list.at(-1);
  if (last && last.length + chunk.length <= page) list[list.length - 1] = Buffer.concat([last, chunk]);
  else list[list.length] = chunk;
}

/** Keeps nothing. */
export class NoBytes extends Array<Buffer> {
  override push(..._chunks: Buffer[]): number {
    return 0;
  }
}
