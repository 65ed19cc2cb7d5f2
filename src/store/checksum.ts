import { crc32 } from 'node:zlib';
import type { RunEvent } from '../events.ts';

/** An event with its checksum, and the line that the journal keeps of it: what a disk has changed is not believed. */
export function withChecksum(event: RunEvent): { readonly line: string; readonly event: RunEvent } {
  const text = JSON.stringify(event);
  const checksum = crcOf(text);
  return { line: `${text.slice(0, -1)},"checksum":"${checksum}"}`, event: { ...event, checksum } };
}

/** Whether a line of a journal is as it was written. `told` is what its JSON says, `event` what we know of that. */
export function verifyChecksum(line: string, told: object, event: RunEvent): boolean {
  const ending = /,"checksum":"([0-9a-f]{8})"\}$/.exec(line);
  if (ending) return crcOf(`${line.slice(0, ending.index)}}`) === ending[1];
  // Somebody may write a line without one; a key that we do not know could be what became of it.
  return !('checksum' in told) && Object.keys(told).every(key => key in event);
}

const crcOf = (text: string) => crc32(text).toString(16).padStart(8, '0');
