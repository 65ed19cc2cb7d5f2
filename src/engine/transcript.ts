import { closeSync, fstatSync, readSync } from 'node:fs';
import { type AgentReport, reportIn } from '../docker/agent-report.ts';
import { beginMark, endBytes, endRecordOf } from '../docker/end-record.ts';
import { screenIn } from '../docker/last-screen.ts';
import { openFile, statFile } from '../store/state-files.ts';

export interface Transcript {
  readonly path: string;
  /** Docker has thrown its beginning away: the agent printed more than is kept. */
  readonly truncated: boolean;
  /** What the AI CLI has said that it used; null where it has not. */
  readonly usage: AgentReport['usage'] | null;
  /** The last that was to be seen of an interactive agent; null of others. */
  readonly screen: string | null;
}

/** Docker always keeps this much, in bytes. Podman may keep nothing but the last lines. */
const alwaysKept = 2 ** 20;

/** What was kept of an attempt's output; null where nothing was. */
export function transcriptIn(path: string, nonce: string): Transcript | null {
  if (!statFile(path)?.isFile()) return null;
  const mark = Buffer.from(beginMark(nonce));
  const fd = openFile(path, 'r');
  try {
    const first = Buffer.alloc(mark.length);
    readSync(fd, first, 0, first.length, 0);
    const { size } = fstatSync(fd);
    const last = Buffer.alloc(Math.min(size, endBytes));
    readSync(fd, last, 0, last.length, size - last.length);
    const end = last.toString('utf8');
    return {
      path,
      // What ends with an end record began with the mark.
      truncated: !first.equals(mark) && (size >= alwaysKept || endRecordOf(end, nonce) !== null),
      usage: reportIn(end, nonce)?.usage ?? null,
      screen: screenIn(end, nonce),
    };
  } finally {
    closeSync(fd);
  }
}
