import type { EndRecord } from '../../machines/outcome.ts';
import { plainText } from '../text/text.ts';

const reasons = 'exit|done|deadline|idle|signal|tmux-lost|term|never-injected|lease';
const pattern = new RegExp(`^agent-end (${reasons}) (\\d{1,3}) (\\d{1,9}) ([a-z0-9-]+)\\r?$`);
const inFile = new RegExp(`^(${reasons}) (\\d{1,3})\n`);

/** Parse an end record, the last line of a container's output; null if the line is not one. */
export function parseEndRecord(line: string): { readonly record: EndRecord; readonly nonce: string } | null {
  const [, reason, code, oomKills, nonce] = pattern.exec(line) ?? [];
  if (nonce === undefined) return null;
  return {
    record: { reason: reason as EndRecord['reason'], code: Number(code), oomKills: Number(oomKills) },
    nonce,
  };
}

/** Return the end record of a transcript; null without one, or if its nonce is wrong, since the agent may have forged it (I8). */
export function endRecordOf(transcript: string, nonce: string): EndRecord | null {
  const parsed = parseEndRecord(transcript.trimEnd().split('\n').at(-1) ?? '');
  return parsed?.nonce === nonce ? parsed.record : null;
}

/** Parse the beginning of the file that agent-record writes; null if it is not a record. */
export function recordInFile(text: string): Pick<EndRecord, 'reason' | 'code'> | null {
  const [, reason, code] = inFile.exec(text) ?? [];
  return reason === undefined ? null : { reason: reason as EndRecord['reason'], code: Number(code) };
}

/** Return the first output of agent-init: if a transcript lacks it, Docker has discarded its beginning. */
export const beginMark = (nonce: string) => `\x1b]2;agent-begin-${nonce}\x07`;

/** The end of a transcript, in bytes, that holds every mark that agent-init prints there. */
export const endBytes = 16_384;

/** Return the content of an invisible title that agent-init prints; null without one, or if a secret in it was redacted. */
export function titleIn(transcript: string, name: 'report' | 'screen', nonce: string): Buffer | null {
  const [, text] =
    new RegExp(`\\x1b\\]2;agent-${name}-${nonce}-([A-Za-z0-9+/=]+)\\x07`).exec(transcript) ?? [];
  return text === undefined ? null : Buffer.from(text, 'base64');
}

/** Return why no agent can start, which agent-init prints as the last line before the end record; null without it. */
export function refusalIn(transcript: string): string | null {
  const lines = plainText(transcript).trimEnd().split('\n').slice(0, -1);
  const last = lines.findLast(line => line.trim() !== '') ?? '';
  return /^agent-init: (.{1,300})/.exec(last)?.[1] ?? null;
}
