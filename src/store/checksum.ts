import { crc32 } from 'node:zlib';
import type { RunEvent } from '../events.ts';

/** Return an event with its checksum, and its line of the journal: a line that the disk has changed is detected. */
export function withChecksum(event: RunEvent): { readonly line: string; readonly event: RunEvent } {
  const text = JSON.stringify(event);
  const checksum = crcOf(text);
  return { line: `${text.slice(0, -1)},"checksum":"${checksum}"}`, event: { ...event, checksum } };
}

/** Return whether a line of a journal is unchanged. `parsed` is its JSON, `event` the known part of that. */
export function verifyChecksum(line: string, parsed: object, event: RunEvent): boolean {
  const ending = /,"checksum":"([0-9a-f]{8})"\}$/.exec(line);
  if (ending) return crcOf(`${line.slice(0, ending.index)}}`) === ending[1];
  // A line may have been written by hand, without one; an unknown key could be a damaged checksum.
  return !('checksum' in parsed) && Object.keys(parsed).every(key => key in event);
}

const crcOf = (text: string) => crc32(text).toString(16).padStart(8, '0');
