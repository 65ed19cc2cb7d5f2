import { Transform } from 'node:stream';

/** Takes secrets out of whatever is kept or shown. */
export interface Redactor {
  readonly isEmpty: boolean;
  text(text: string): string;
  /** Every text in it, at any depth. */
  deep<T>(value: T): T;
  /** Of bytes as they come: a secret may lie across any number of chunks. */
  stream(): Transform;
  /** The same for who waits for them: a line that is whole is held back only where a secret may go on in the next. */
  lines(): ChunkRedactor;
}

interface ChunkRedactor {
  add(bytes: Buffer): Buffer;
  end(): Buffer;
}

export const redacted = '[secret]';

/** A redactor that can be given more secrets: it, and every function of it, redacts them from then on. */
export interface GrowingRedactor extends Redactor {
  add(secrets: Iterable<string>): void;
}

/** Redact exactly these secrets; see `growingRedactor`. */
export function redactor(secrets: Iterable<string>): Redactor {
  return growingRedactor(secrets);
}

/**
 * Redact each secret as it is, in JSON, in base64 (at any offset, and wrapped) and URL-encoded, also where escape sequences
 * such as colours cut it; of one that has several lines also each line that is long enough to tell. Text is decoded and
 * searched, so neither the length of a secret nor the way an encoder writes it matters.
 */
export function growingRedactor(secrets: Iterable<string> = []): GrowingRedactor {
  const known = new Set<string>();
  let current: Needles | null = null;
  const needles = () => (current ??= needlesOf(known));
  // As bytes, like all that is searched. Halves of characters would be lost, so without a secret the text stays as it is.
  const text = (given: string) => {
    const bytes = Buffer.from(given).toString('latin1');
    const found = placesIn(bytes, needles());
    return found.length === 0 ? given : Buffer.from(replaced(bytes, found), 'latin1').toString();
  };
  const self: GrowingRedactor = {
    get isEmpty() {
      return needles().longest === 0;
    },
    text,
    deep: value => (self.isEmpty ? value : (walk(value, text) as typeof value)),
    stream: () => streamOf(piecesOf(needles, { byLine: false })),
    lines: () => piecesOf(needles, { byLine: true }),
    add(more) {
      const before = known.size;
      for (const secret of more) known.add(secret);
      if (known.size > before) current = null;
    },
  };
  self.add(secrets);
  return self;
}

/** Shorter ones would be found in words that have nothing to do with them. */
export const minSecretLength = 6;
const minLineLength = 10;

/** What is searched for, in bytes that are taken as latin1 characters, one for one. */
interface Needles {
  readonly plain: readonly string[];
  readonly base64: readonly string[];
  /** In bytes: no secret in any of its forms is longer, but for escape sequences in it. */
  readonly longest: number;
}

function needlesOf(secrets: Iterable<string>): Needles {
  const texts = [...new Set([...secrets].flatMap(partsOf))];
  const plain = texts.map(text => Buffer.from(text).toString('latin1'));
  // `\\u00e9` in JSON in JSON is the longest form of a byte.
  const longest = plain.reduce((most, text) => Math.max(most, text.length), 0) * 8;
  return { plain, base64: texts.flatMap(base64Forms), longest };
}

/** The secret, without the white space that shells take off its ends, and its lines. A terminal's line ends are newlines. */
function partsOf(secret: string): string[] {
  const whole = secret.replace(/\r+\n/g, '\n');
  const lines = whole.split('\n').filter(line => line !== whole && line.length >= minLineLength);
  return [whole, whole.trim(), ...lines].filter(text => text.length >= minSecretLength);
}

/**
 * Base64 has three faces, by where in the encoded text the secret begins; of each, the characters that depend on the
 * secret alone.
 */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].map(offset => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replaceAll('=', '');
    return encoded.slice(offset === 0 ? 0 : offset + 1, (offset + bytes.length) % 3 === 0 ? undefined : -1);
  });
}

/** From where to where. */
type Place = readonly [start: number, end: number];

/** Text that was made of other text: `from` of a character is where what it was made of begins, and ends. */
interface View {
  readonly text: string;
  from(index: number): Place;
}

/** Replace what `found` matches. Its other characters stand for themselves. */
function rewritten(view: View, found: RegExp, by: (match: string) => string): View {
  const { text } = view;
  if (text.search(found) < 0) return view;
  /** Where pieces begin in the new text and in the old one; of a `whole` one all characters were made of all of it. */
  const pieces: { at: number; old: number; end: number; whole: boolean }[] = [];
  let made = '';
  let at = 0;
  const keep = (end: number) => {
    if (end > at) pieces.push({ at: made.length, old: at, end, whole: false });
    made += text.slice(at, end);
  };
  for (const match of text.matchAll(found)) {
    keep(match.index);
    at = match.index + match[0].length;
    const put = by(match[0]);
    if (put !== '') pieces.push({ at: made.length, old: match.index, end: at, whole: true });
    made += put;
  }
  keep(text.length);
  const from = (index: number): Place => {
    let low = 0;
    for (let high = pieces.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1;
      if (pieces[middle]!.at <= index) low = middle;
      else high = middle - 1;
    }
    const { at, old, end, whole } = pieces[low]!;
    const [first, last] = whole ? [old, end - 1] : [old + index - at, old + index - at];
    return [view.from(first)[0], view.from(last)[1]];
  };
  return { text: made, from };
}

const nothing = () => '';
/** As `plainText` drops them: sequences, control characters, what a backspace takes away, and the \r of a line's end. */
const unseen =
  /\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_k][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|[^\n\x08]\x08|\r(?=\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
const inJson = /(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]/g;
const inUrl = /(?:%[0-9a-f]{2})+/gi;
const latin1 = (text: string) => Buffer.from(text).toString('latin1');
const short: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const unescaped = (match: string) =>
  match.length === 2 ? (short[match[1]!] ?? match[1]!) : latin1(JSON.parse(`"${match}"`));
const percentDecoded = (match: string) => Buffer.from(match.replaceAll('%', ''), 'hex').toString('latin1');

interface Views {
  readonly plain: readonly View[];
  readonly base64: readonly View[];
}

/** Text as it may be meant: as a terminal shows it, decoded from JSON and from JSON in JSON, from a URL and from a form. */
function viewsOf(raw: string): Views {
  const seen = rewritten({ text: raw, from: index => [index, index + 1] }, unseen, nothing);
  const json = rewritten(seen, inJson, unescaped);
  const form = rewritten(seen, /\+/g, () => ' ');
  const [url, ofForm] = [seen, form].map(view => rewritten(view, inUrl, percentDecoded));
  const joined = [...new Set([seen, json])].map(view => {
    const { text, from } = rewritten(view, /\r?\n/g, nothing);
    // The two alphabets have each character in the same place.
    return { text: text.replaceAll('-', '+').replaceAll('_', '/'), from };
  });
  const plain = [...new Set([seen, json, rewritten(json, inJson, unescaped), url!, ofForm!])];
  return { plain, base64: joined };
}

/** Where secrets are, in order and apart. */
function placesIn(raw: string, { plain, base64, longest }: Needles): Place[] {
  if (longest === 0 || raw === '') return [];
  const views = viewsOf(raw);
  return merged(
    views.plain
      .flatMap(view => searched(view, plain))
      .concat(views.base64.flatMap(view => searched(view, base64))),
  );
}

/** Where a secret of several lines may have begun at the end of `raw`; its length where none has. */
function begunIn(raw: string, { plain, base64 }: Needles): number {
  const views = viewsOf(raw);
  const several = plain.filter(needle => needle.includes('\n'));
  return views.plain
    .flatMap(view => several.map(needle => begun(view, needle)))
    .concat(views.base64.flatMap(view => base64.map(needle => begun(view, needle))))
    .reduce((first, at) => Math.min(first, at), raw.length);
}

function begun({ text, from }: View, needle: string): number {
  const head = needle.slice(0, minSecretLength);
  for (let at = text.indexOf(head, text.length - needle.length + 1); at >= 0; at = text.indexOf(head, at + 1))
    if (needle.startsWith(text.slice(at))) return from(at)[0];
  return Number.POSITIVE_INFINITY;
}

function searched({ text, from }: View, needles: readonly string[]): Place[] {
  return needles.flatMap(needle => {
    const found: Place[] = [];
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length))
      found.push([from(at)[0], from(at + needle.length - 1)[1]]);
    return found;
  });
}

function merged(places: Place[]): Place[] {
  const apart: [number, number][] = [];
  for (const [start, end] of places.sort((a, b) => a[0] - b[0] || b[1] - a[1])) {
    const last = apart.at(-1);
    if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], end);
    else apart.push([start, end]);
  }
  return apart;
}

function replaced(raw: string, places: readonly Place[]): string {
  let out = '';
  let at = 0;
  for (const [start, end] of places) {
    out += raw.slice(at, start) + redacted;
    at = end;
  }
  return out + raw.slice(at);
}

/** So many bytes of escape sequences may be in a secret that comes in pieces. */
const mostUnseen = 4096;

/** The needles are asked for with each piece: a secret that becomes known meanwhile is redacted in what is still held. */
function piecesOf(needles: () => Needles, { byLine }: { byLine: boolean }): ChunkRedactor {
  let held = '';
  /** Up to where nothing that begins can still be waiting for its end. */
  const pass = (wanted: number): Buffer => {
    const places = placesIn(held, needles()).filter(([start]) => start < wanted);
    const end = Math.max(wanted, places.at(-1)?.[1] ?? 0);
    const out = replaced(held.slice(0, end), places);
    held = held.slice(end);
    return Buffer.from(out, 'latin1');
  };
  return {
    add(bytes) {
      const { longest } = needles();
      if (longest === 0 && held === '') return bytes;
      held += bytes.toString('latin1');
      const most = longest + mostUnseen;
      const line = byLine ? held.lastIndexOf('\n') + 1 : 0;
      if (line > 0) return pass(Math.max(Math.min(line, begunIn(held, needles())), held.length - 2 * most));
      return held.length > 2 * most ? pass(held.length - most) : Buffer.alloc(0);
    },
    end: () => pass(held.length),
  };
}

const streamOf = ({ add, end }: ChunkRedactor) =>
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
