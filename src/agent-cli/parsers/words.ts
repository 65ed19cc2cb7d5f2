import type { ReportPlan } from '../../spec/plan.ts';
import { type CliEvent, failure, text } from '../cli-event.ts';
import { parseResetTime } from '../reset-time.ts';

/** Reads the plain text that a CLI prints instead of JSON. */
export interface WordsParser {
  parse(line: string): readonly CliEvent[];
  /** The CLI has received a reply: a later wait counts from one again. */
  resetWaits(): void;
  /** Return the last of the kept lines that satisfies `holds`; undefined if none does. */
  findLast(holds: (line: string) => boolean): string | undefined;
}

const keptLines = 20;
/** The CLI itself may wait for a quota that is reset within this many milliseconds. */
const shortWaitMs = 60_000;
/** Characters of a line in which patterns are searched: the time that some need grows with the square of its length. */
const maxSearched = 4096;
/** Maximum waits in a row without a reply. The CLI would wait until its agent times out. */
const maxWaits = 10;

export function wordsParser({ words }: Pick<ReportPlan, 'words'>, now: () => number): WordsParser {
  const lines: string[] = [];
  const [asks, waits] = [words?.asks, words?.waits].map(pattern =>
    pattern ? new RegExp(pattern, 'i') : null,
  );
  let waitCount = 0;

  function waitsFor(reason: string): CliEvent[] {
    waitCount += 1;
    const at = parseResetTime(reason, now());
    const isLong = at !== null && at > now() + shortWaitMs;
    return waitCount >= maxWaits || isLong ? [final(reason, 'quota')] : [];
  }

  return {
    parse(line) {
      if (line.trim() === '') return [];
      if (!words) return [text(line)];
      const searched = line.slice(0, maxSearched);
      lines.push(searched);
      if (lines.length > keptLines) lines.shift();
      const reason = waits?.exec(searched)?.[1];
      return [
        text(line),
        ...(asks?.test(searched) ? [final(searched, 'authentication')] : []),
        ...(reason === undefined ? [] : waitsFor(reason)),
      ];
    },
    resetWaits() {
      waitCount = 0;
    },
    findLast: holds => lines.findLast(holds),
  };
}

const final = (message: string, kind: 'authentication' | 'quota') =>
  failure(message, kind, { isFinal: true, isFirstOnly: true });
