import { isAbsent, readFile, statFile } from '../store/state-files.ts';
import { marksFile } from './agent-output.ts';
import { reportIn } from './agent-report.ts';
import { beginMark, endRecordOf } from './end-record.ts';
import { screenIn } from './last-screen.ts';
import { type PricedUsage, priced } from './priced-usage.ts';

export interface Transcript {
  readonly path: string;
  /** Docker has discarded its beginning: the agent printed more than Docker keeps. */
  readonly truncated: boolean;
  /** The usage that the AI CLI has reported, with its cost; null if it has not. */
  readonly usage: PricedUsage | null;
  /** The last screen of an interactive agent; null for others. */
  readonly screen: string | null;
}

/** Bytes that Docker always keeps. Podman may keep only the last lines. */
const alwaysKeptBytes = 2 ** 20;

/** Return the transcript of an attempt at a path; null if there is none. */
export function transcriptIn(path: string, nonce: string): Transcript | null {
  const kept = statFile(path);
  if (!kept?.isFile()) return null;
  const marks = marksOf(path);
  return {
    path,
    // An output with an end record began with the mark.
    truncated:
      !marks.startsWith(beginMark(nonce)) &&
      (kept.size >= alwaysKeptBytes || endRecordOf(marks, nonce) !== null),
    usage: priced(reportIn(marks, nonce)?.usage ?? null),
    screen: screenIn(marks, nonce),
  };
}

/** Return the marks of a transcript; they are written after it, so an interrupted one has none. */
function marksOf(transcript: string): string {
  try {
    return readFile(marksFile(transcript)).toString('utf8');
  } catch (error) {
    if (isAbsent(error)) return '';
    throw error;
  }
}
