import { readFileSync, statSync } from 'node:fs';
import type { State } from './state.ts';

const pollIntervalMs = 100;
const polls = 100;

/** Return whether no other turn begins, by the state or the transcript of the CLI. A turn that begins ends later. */
export async function staysSettled(
  { counted }: Pick<State, 'counted'>,
  transcript: string,
  sleep: (ms: number) => Promise<unknown>,
): Promise<boolean> {
  const ended = counted('ended');
  const before = sizeOf(transcript);
  for (let poll = 0; poll < polls; poll++) {
    await sleep(pollIntervalMs);
    if (counted('ended') !== ended) return false;
    if (sizeOf(transcript) > before && hasMessage(readFileSync(transcript).subarray(before))) return false;
  }
  return true;
}

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
const hasMessage = (lines: Buffer) => /"type":"(user|assistant)"/.test(lines.toString());
