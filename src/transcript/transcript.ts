import { isAbsent, readFile, statFile } from '../store/state-files.ts';
import { marksFile } from './agent-output.ts';
import { type AgentReport, reportIn } from './agent-report.ts';
import { beginMark, endRecordOf } from './end-record.ts';
import { screenIn } from './last-screen.ts';

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
  const kept = statFile(path);
  if (!kept?.isFile()) return null;
  const marks = marksOf(path);
  return {
    path,
    // What ends with an end record began with the mark.
    truncated:
      !marks.startsWith(beginMark(nonce)) && (kept.size >= alwaysKept || endRecordOf(marks, nonce) !== null),
    usage: reportIn(marks, nonce)?.usage ?? null,
    screen: screenIn(marks, nonce),
  };
}

/** They are written after the transcript: of one that was cut off there are none. */
function marksOf(transcript: string): string {
  try {
    return readFile(marksFile(transcript)).toString('utf8');
  } catch (error) {
    if (isAbsent(error)) return '';
    throw error;
  }
}
