/** A range of characters, `end` excluded. */
export type Range = readonly [start: number, end: number];

/** Text decoded from other text: `origin` maps a character to the range of the original that it was decoded from. */
export interface View {
  readonly text: string;
  origin(index: number): Range;
}

/** Replace the matches of `pattern`; other characters are kept. */
function rewrite(view: View, pattern: RegExp, replace: (match: string) => string): View {
  const { text } = view;
  if (text.search(pattern) < 0) return view;
  /** The start of each piece in both texts; each character of a `whole` piece was decoded from all of it. */
  const pieces: { at: number; old: number; end: number; whole: boolean }[] = [];
  let made = '';
  let at = 0;
  const keep = (end: number) => {
    if (end > at) pieces.push({ at: made.length, old: at, end, whole: false });
    made += text.slice(at, end);
  };
  for (const match of text.matchAll(pattern)) {
    keep(match.index);
    at = match.index + match[0].length;
    const put = replace(match[0]);
    if (put !== '') pieces.push({ at: made.length, old: match.index, end: at, whole: true });
    made += put;
  }
  keep(text.length);
  const origin = (index: number): Range => {
    let low = 0;
    for (let high = pieces.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1;
      if (pieces[middle]!.at <= index) low = middle;
      else high = middle - 1;
    }
    const { at, old, end, whole } = pieces[low]!;
    const [first, last] = whole ? [old, end - 1] : [old + index - at, old + index - at];
    return [view.origin(first)[0], view.origin(last)[1]];
  };
  return { text: made, origin };
}

const nothing = () => '';
/** Match what `plainText` drops: escape sequences, control characters, what a backspace deletes, and the \r of a line end. */
const invisible =
  /\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_k][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|[^\n\x08]\x08|\r(?=\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
const inJson = /(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]/g;
const inUrl = /(?:%[0-9a-f]{2})+/gi;
const latin1 = (text: string) => Buffer.from(text).toString('latin1');
const short: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const unescaped = (match: string) =>
  match.length === 2 ? (short[match[1]!] ?? match[1]!) : latin1(JSON.parse(`"${match}"`));
const percentDecoded = (match: string) => Buffer.from(match.replaceAll('%', ''), 'hex').toString('latin1');

export interface Views {
  readonly plain: readonly View[];
  readonly base64: readonly View[];
}

/** Decode text in each way that it may be meant: shown by a terminal, JSON, JSON in JSON, a URL, a form. */
export function viewsOf(raw: string): Views {
  const visible = rewrite({ text: raw, origin: index => [index, index + 1] }, invisible, nothing);
  const json = rewrite(visible, inJson, unescaped);
  const form = rewrite(visible, /\+/g, () => ' ');
  const [url, ofForm] = [visible, form].map(view => rewrite(view, inUrl, percentDecoded));
  const joined = [...new Set([visible, json])].map(view => {
    const { text, origin } = rewrite(view, /\r?\n/g, nothing);
    // The two base64 alphabets have each character at the same position.
    return { text: text.replaceAll('-', '+').replaceAll('_', '/'), origin };
  });
  const plain = [...new Set([visible, json, rewrite(json, inJson, unescaped), url!, ofForm!])];
  return { plain, base64: joined };
}
