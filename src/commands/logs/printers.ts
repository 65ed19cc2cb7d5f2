import { once } from 'node:events';
import type { Redactor } from '../../secrets/redact.ts';
import { jsonForLog, outputForLog } from '../../text/log-text.ts';
import { plainText } from '../../text/text.ts';

/** Prints an agent's output on stdout, no faster than it is read there. */
export interface Printer {
  write(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
}

/** Redact the secrets that are known when the output is written. */
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

/** Print bytes unchanged. */
export const rawPrinter = (): Printer => ({ write: print, end: async () => {} });

/** Print lines of plain text. */
export const plainPrinter = (): Printer =>
  printerOf(lines((piece, ends) => `${outputForLog(piece)}${ends ? '\n' : ''}`));

/** Print one line of JSON: the fields of `about`, and the lines. */
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

const maxLineLength = 2 ** 18;

/**
 * Cut bytes into lines, and join what `render` returns for each. A line longer than a quarter of a mebibyte is rendered in
 * pieces; `ends` is true for its last one.
 */
function lines(render: (piece: string, ends: boolean) => string): Lines {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rest = '';
  let isCut = false;
  const take = (text: string) => {
    const whole = (rest + text).split('\n');
    rest = whole.pop()!;
    let out = '';
    for (const line of whole) out += render(line, true);
    if (whole.length > 0) isCut = false;
    if (rest.length > maxLineLength) {
      const cut = safeCut(rest);
      out += render(rest.slice(0, cut), false);
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

/** Never cut inside an escape sequence or a command of a CI runner: its second half would be printed as text. */
function safeCut(text: string): number {
  const begun = text.lastIndexOf('\x1b');
  const sequence = begun > text.length - 4096 ? begun : text.length;
  const command = /#+\w*$/.exec(text.slice(-4096));
  return Math.min(sequence, text.length - (command?.[0].length ?? 0)) || text.length;
}

async function print(text: string | Uint8Array): Promise<void> {
  if (text.length > 0 && !process.stdout.write(text)) await once(process.stdout, 'drain');
}
