import { Transform } from 'node:stream';

/** Takes secrets out of whatever is kept or shown. */
export interface Redactor {
  readonly isIdle: boolean;
  text(text: string): string;
  /** Every text in it, at any depth. */
  deep<T>(value: T): T;
  /** Of bytes as they come: a secret may lie across any number of chunks. */
  stream(): Transform;
  /** The same for who waits for them: no line is held back that is whole. */
  lines(): Pieces;
}

export interface Pieces {
  add(bytes: Buffer): Buffer;
  end(): Buffer;
}

export const redacted = '[secret]';

/** A redactor that can be given more secrets: whoever holds it, or a function of it, redacts them from then on. */
export interface GrowingRedactor extends Redactor {
  add(secrets: Iterable<string>): void;
}

/** Redact exactly these secrets; see `growingRedactor`. */
export function redactor(secrets: Iterable<string>): Redactor {
  return growingRedactor(secrets);
}

/**
 * Redact each secret as it is, in JSON, in base64 (at any offset, and wrapped) and URL-encoded; of one that has several
 * lines also each line that is long enough to tell. The patterns are compiled when they are first needed.
 */
export function growingRedactor(secrets: Iterable<string> = []): GrowingRedactor {
  const known = new Set<string>();
  let compiled: Patterns | null = null;
  const patterns = () => (compiled ??= patternsOf(known));
  const text = (given: string) => {
    const { inText } = patterns();
    return inText === null ? given : given.replace(inText, redacted);
  };
  const self: GrowingRedactor = {
    get isIdle() {
      return patterns().inText === null;
    },
    text,
    deep: value => (self.isIdle ? value : (walk(value, text) as typeof value)),
    stream: () => streamOf(piecesOf(patterns, { byLine: false })),
    lines: () => piecesOf(patterns, { byLine: true }),
    add(more) {
      const before = known.size;
      for (const secret of more) known.add(secret);
      if (known.size > before) compiled = null;
    },
  };
  self.add(secrets);
  return self;
}

interface Patterns {
  /** null while no secret is known. */
  readonly inText: RegExp | null;
  /** Bytes are taken as latin1 characters, one for one; what is beyond ASCII in a secret is spelt so as well. */
  readonly inBytes: RegExp;
  /** In bytes: no secret in any of its forms is longer. */
  readonly longest: number;
}

function patternsOf(secrets: Iterable<string>): Patterns {
  const forms = [...new Set([...secrets].flatMap(formsOf))].sort((a, b) => b.length - a.length);
  const never = /(?!)/g;
  if (forms.length === 0) return { inText: null, inBytes: never, longest: 0 };
  return {
    inText: new RegExp(forms.join('|'), 'g'),
    inBytes: new RegExp(forms.map(form => spelt(form)).join('|'), 'g'),
    longest: forms.reduce((most, form) => Math.max(most, lengthAtMost(form)), 0) * 4,
  };
}

/** Shorter ones would be found in words that have nothing to do with them. */
export const shortestSecret = 6;
const shortestLine = 10;

/** The sources of regular expressions for what a secret looks like. */
function formsOf(secret: string): string[] {
  const lines = secret.includes('\n')
    ? secret.split(/\r?\n/).filter(line => line.length >= shortestLine)
    : [];
  return [secret, ...lines].filter(text => text.length >= shortestSecret).flatMap(formsOfText);
}

function formsOfText(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const url = encodeURIComponent(text);
  const literal = (form: string) => literally(form).replaceAll('\n', '\\r?\\n');
  return [
    ...[text, json, JSON.stringify(json).slice(1, -1)].map(literal),
    // Percent signs in either case, and the characters that encodeURIComponent leaves alone in both ways.
    ...[url, url.replaceAll('%20', '+')].map(anyCase),
    ...base64Forms(text),
  ];
}

const literally = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** `%2F` and `%2f`; `!'()*~` as they are or encoded. */
function anyCase(url: string): string {
  return url
    .split(/(%[0-9A-F]{2}|[!'()*~])/)
    .map(part => {
      if (/^%/.test(part)) return part.replace(/[A-F]/g, letter => `[${letter}${letter.toLowerCase()}]`);
      if (!/^[!'()*~]$/.test(part)) return literally(part);
      const code = part.charCodeAt(0).toString(16);
      return `(?:${literally(part)}|%${code.replace(/[a-f]/g, letter => `[${letter.toUpperCase()}${letter}]`)})`;
    })
    .join('');
}

/**
 * Base64 has three faces, by where in the encoded text the secret begins; of each, the characters that depend on the
 * secret alone. `base64` breaks its lines.
 */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].map(offset => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replaceAll('=', '');
    const own = encoded.slice(
      offset === 0 ? 0 : offset + 1,
      (offset + bytes.length) % 3 === 0 ? undefined : -1,
    );
    return [...own].map(char => (char === '+' ? '[+-]' : char === '/' ? '[/_]' : char)).join('(?:\\r?\\n)?');
  });
}

/** Of what a form matches; no piece of a source is shorter than what it stands for, but for the line breaks. */
const lengthAtMost = (form: string) => form.length + 2 * (form.match(/\\n/g)?.length ?? 0);

const spelt = (form: string) =>
  form.replace(/[^\x00-\x7f]+/g, beyond => Buffer.from(beyond).toString('latin1'));

/** The patterns are asked for with each piece: a secret that becomes known meanwhile is redacted in what is still held. */
function piecesOf(patterns: () => Patterns, { byLine }: { byLine: boolean }): Pieces {
  let held = '';
  /** Up to where nothing that begins can still be waiting for its end. */
  const pass = (end: number): Buffer => {
    const pattern = patterns().inBytes;
    let out = '';
    let at = 0;
    pattern.lastIndex = 0;
    for (let found = pattern.exec(held); found !== null && found.index < end; found = pattern.exec(held)) {
      out += held.slice(at, found.index) + redacted;
      at = pattern.lastIndex;
    }
    const to = Math.max(at, end);
    out += held.slice(at, to);
    held = held.slice(to);
    return Buffer.from(out, 'latin1');
  };
  return {
    add(bytes) {
      const { longest } = patterns();
      if (longest === 0 && held === '') return bytes;
      held += bytes.toString('latin1');
      if (byLine) return pass(Math.max(held.lastIndexOf('\n') + 1, held.length - longest));
      return held.length > 2 * longest ? pass(held.length - longest) : Buffer.alloc(0);
    },
    end: () => pass(held.length),
  };
}

const streamOf = ({ add, end }: Pieces) =>
  new Transform({
    transform: (chunk: Buffer, _, done) => done(null, add(chunk)),
    flush: done => done(null, end()),
  });

function walk(value: unknown, text: (text: string) => string): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map(item => walk(item, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, text)]));
}
