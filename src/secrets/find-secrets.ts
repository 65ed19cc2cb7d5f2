import { type Range, type View, viewsOf } from './decoded-views.ts';
import { minSecretLength, type Needles } from './needles.ts';

export const redacted = '[secret]';

/** Return the ranges of secrets, sorted and disjoint. */
export function findSecrets(raw: string, { plain, base64, longest }: Needles): Range[] {
  if (longest === 0 || raw === '') return [];
  const views = viewsOf(raw);
  return merge(
    views.plain
      .flatMap(view => search(view, plain))
      .concat(views.base64.flatMap(view => search(view, base64))),
  );
}

/** Return the offset at which a secret of several lines may begin at the end of `raw`; its length if none does. */
export function findBegun(raw: string, { plain, base64 }: Needles): number {
  const views = viewsOf(raw);
  const several = plain.filter(needle => needle.includes('\n'));
  return views.plain
    .flatMap(view => several.map(needle => begunAt(view, needle)))
    .concat(views.base64.flatMap(view => base64.map(needle => begunAt(view, needle))))
    .reduce((first, at) => Math.min(first, at), raw.length);
}

function begunAt({ text, origin }: View, needle: string): number {
  const head = needle.slice(0, minSecretLength);
  for (let at = text.indexOf(head, text.length - needle.length + 1); at >= 0; at = text.indexOf(head, at + 1))
    if (needle.startsWith(text.slice(at))) return origin(at)[0];
  return Number.POSITIVE_INFINITY;
}

function search({ text, origin }: View, needles: readonly string[]): Range[] {
  return needles.flatMap(needle => {
    const found: Range[] = [];
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length))
      found.push([origin(at)[0], origin(at + needle.length - 1)[1]]);
    return found;
  });
}

function merge(ranges: Range[]): Range[] {
  const disjoint: [number, number][] = [];
  for (const [start, end] of ranges.sort((a, b) => a[0] - b[0] || b[1] - a[1])) {
    const last = disjoint.at(-1);
    if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], end);
    else disjoint.push([start, end]);
  }
  return disjoint;
}

/** Put `[secret]` in place of each range. */
export function replaceSecrets(raw: string, ranges: readonly Range[]): string {
  let out = '';
  let at = 0;
  for (const [start, end] of ranges) {
    out += raw.slice(at, start) + redacted;
    at = end;
  }
  return out + raw.slice(at);
}
