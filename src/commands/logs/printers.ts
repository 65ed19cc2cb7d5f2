import { once } from 'node:events';
import type { Redactor } from '../../secrets/redact.ts';
import { jsonForLog, outputForLog } from '../../text/log-text.ts';
import { plainText } from '../../text/text.ts';

/** Brings an agent's output to stdout, no faster than it is read there. */
export interface Printer {
  write(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
}

/** Redact what is known as a secret of the run when it is written. */
export function redacting({ write, end }: Printer, redactor: Redactor): Printer {
  const pieces = redactor.lines();
  return {
    write: bytes => write(pieces.add(bytes)),
    async end() {
      await write(pieces.end());
      await end();
    },
  };
}

/** Bytes as they came. */
export const rawPrinter = (): Printer => ({ write: print, end: async () => {} });

/** Lines of plain text. */
export const plainPrinter = (): Printer =>
  printerOf(lines((piece, ends) => `${outputForLog(piece)}${ends ? '\n' : ''}`));

/** One line of JSON: what is known of the output, and its lines. */
export function jsonPrinter(about: object, { raw }: { raw: boolean }): Printer {
  let opening = `${JSON.stringify(about).slice(0, -1)},"lines":[`;
  let between = '';
  let begins = true;
  const { write, end } = printerOf(
    lines((piece, ends) => {
      const text = jsonForLog(raw ? piece : plainText(piece)).slice(1, -1);
      const line = `${begins ? `${between}"` : ''}${text}${ends ? '"' : ''}`;
      between = ',';
      begins = ends;
      return line;
    }),
  );
  const open = async () => {
    const text = opening;
    opening = '';
    await print(text);
  };
  return {
    async write(bytes) {
      await open();
      await write(bytes);
    },
    async end() {
      await open();
      await end();
      await print(']}\n');
    },
  };
}

interface Lines {
  add(bytes: Buffer): string;
  end(): string;
}

const printerOf = ({ add, end }: Lines): Printer => ({
  write: bytes => print(add(bytes)),
  end: () => print(end()),
});

const longest = 2 ** 18;

/**
 * Cuts bytes into lines, and joins what is said of them. A line that is longer than a quarter of a mebibyte comes in
 * pieces, of which only the last one `ends` it, and each is made plain by itself.
 */
function lines(said: (piece: string, ends: boolean) => string): Lines {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rest = '';
  let isCut = false;
  const take = (text: string) => {
    const whole = (rest + text).split('\n');
    rest = whole.pop()!;
    let out = '';
    for (const line of whole) out += said(line, true);
    if (whole.length > 0) isCut = false;
    if (rest.length > longest) {
      const cut = safeCut(rest);
      out += said(rest.slice(0, cut), false);
      rest = rest.slice(cut);
      isCut = true;
    }
    return out;
  };
  return {
    add: bytes => take(decoder.decode(bytes, { stream: true })),
    end() {
      const out = take(decoder.decode());
      return rest === '' && !isCut ? out : out + take('\n');
    },
  };
}

/** Not inside an escape sequence, or a command of a CI runner, of which the second half would be text. */
function safeCut(text: string): number {
  const begun = text.lastIndexOf('\x1b');
  const sequence = begun > text.length - 4096 ? begun : text.length;
  const command = /#+\w*$/.exec(text.slice(-4096));
  return Math.min(sequence, text.length - (command?.[0].length ?? 0)) || text.length;
}

async function print(text: string | Uint8Array): Promise<void> {
  if (text.length > 0 && !process.stdout.write(text)) await once(process.stdout, 'drain');
}
