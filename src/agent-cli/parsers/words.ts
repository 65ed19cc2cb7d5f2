import type { ReportPlan } from '../../spec/plan.ts';
import { type CliEvent, failure, text } from '../cli-event.ts';
import { parseResetTime } from '../reset-time.ts';

/** Reads what a CLI prints in words instead of JSON. */
export interface WordsParser {
  parse(line: string): readonly CliEvent[];
  /** The CLI has got an answer: what it waits for next is another wait. */
  resetWaits(): void;
  /** Return the last line that holds, of the last ones; undefined where none does. */
  findLast(holds: (line: string) => boolean): string | undefined;
}

const keptLines = 20;
/** A quota that is available again within this, in milliseconds, the CLI may wait for itself. */
const shortWaitMs = 60_000;
/** Without an answer in between. It would wait until its agent's time is up. */
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
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
      const reason = waits?.exec(line)?.[1];
      return [
        text(line),
        ...(asks?.test(line) ? [final(line, 'authentication')] : []),
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
