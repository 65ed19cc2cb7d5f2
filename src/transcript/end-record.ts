import type { EndRecord } from '../../machines/outcome.ts';
import { plainText } from '../text/text.ts';

const hows = 'exit|done|deadline|idle|signal|tmux-lost|term|never-injected';
const pattern = new RegExp(`^agent-end (${hows}) (\\d{1,3}) (\\d{1,9}) ([a-z0-9-]+)\\r?$`);
const inFile = new RegExp(`^(${hows}) (\\d{1,3})\n`);

/** What a container says of its own end in the last line of its output; null where this line is none. */
export function parseEndRecord(line: string): { readonly record: EndRecord; readonly nonce: string } | null {
  const [, reason, code, oomKills, nonce] = pattern.exec(line) ?? [];
  if (nonce === undefined) return null;
  return {
    record: { reason: reason as EndRecord['reason'], code: Number(code), oomKills: Number(oomKills) },
    nonce,
  };
}

/** The end record of a transcript; null where it has none, or one with another nonce, which the agent may have forged. */
export function endRecordOf(transcript: string, nonce: string): EndRecord | null {
  const said = parseEndRecord(transcript.trimEnd().split('\n').at(-1) ?? '');
  return said?.nonce === nonce ? said.record : null;
}

/** What the file begins with that agent-record writes; null where that is no record. */
export function recordInFile(text: string): Pick<EndRecord, 'reason' | 'code'> | null {
  const [, reason, code] = inFile.exec(text) ?? [];
  return reason === undefined ? null : { reason: reason as EndRecord['reason'], code: Number(code) };
}

/** What agent-init prints before everything else: where a transcript lacks it, Docker has thrown its beginning away. */
export const beginMark = (nonce: string) => `\x1b]2;agent-begin-${nonce}\x07`;

/** How much of a transcript's end, in bytes, holds what agent-init says there. */
export const endBytes = 16_384;

/** What agent-init tells in a title that nobody sees; null where it does not, or where a secret in it was taken out. */
export function titleIn(transcript: string, name: 'report' | 'screen', nonce: string): Buffer | null {
  const [, text] =
    new RegExp(`\\x1b\\]2;agent-${name}-${nonce}-([A-Za-z0-9+/=]+)\\x07`).exec(transcript) ?? [];
  return text === undefined ? null : Buffer.from(text, 'base64');
}

/** Return the line in which agent-init says why no agent can begin, the last before the end record; null without one. */
export function refusalIn(transcript: string): string | null {
  const lines = plainText(transcript).trimEnd().split('\n').slice(0, -1);
  const last = lines.findLast(line => line.trim() !== '') ?? '';
  return /^agent-init: (.{1,300})/.exec(last)?.[1] ?? null;
}
