/**
 * Whatever a container prints comes in through these: each keeps so many bytes and no more, whatever arrives. They are
 * arrays of chunks, since zx and execa keep output in such.
 */

/** Bytes of an answer. One that is longer is no answer. */
export const maxAnswerBytes = 16 * 2 ** 20;
/** Bytes of what a command says on stderr. */
export const maxStderrBytes = 64 * 2 ** 10;
/** Bytes of what a build prints. */
export const maxLogBytes = 4 * 2 ** 20;

/** What is said of an answer that overflowed. */
export const overflowMessage = (most: number) => `docker printed more than ${most} bytes and was cut off`;

/** Keeps what comes first; calls `onOverflow` with the first byte too many. */
export class FirstBytes extends Array<Buffer> {
  readonly #most: number;
  readonly #onOverflow: () => void;
  #size = 0;

  constructor(most: number, onOverflow: () => void) {
    super();
    this.#most = most;
    this.#onOverflow = onOverflow;
  }

  get isFull(): boolean {
    return this.#size > this.#most;
  }

  override push(...chunks: Buffer[]): number {
    for (const chunk of chunks) {
      if (this.isFull) break;
      const room = this.#most - this.#size;
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

/** Keeps what comes last, and says how much came before. */
export class LastBytes extends Array<Buffer> {
  readonly #most: number;
  #size = 0;
  #dropped = 0;

  constructor(most: number) {
    super();
    this.#most = most;
  }

  override push(...chunks: Buffer[]): number {
    for (const chunk of chunks) {
      append(this, chunk);
      this.#size += chunk.length;
    }
    while (this.#size > this.#most) {
      const over = this.#size - this.#most;
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

/** A page, in bytes: what comes in smaller chunks is joined, so that many of them take no more memory than a few. */
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
