import { junit } from '../../reporters/junit.ts';
import { outcomesOf } from '../../state/outcomes.ts';
import { openPlace } from './assert-writable.ts';
import { reasonOf } from './reason.ts';
import type { Reporter } from './reporter.ts';
import { lastLines } from './transcript.ts';

/** Writes JUnit XML when the run is over. That it can be written is looked at first. */
export function junitFile(file: string): Reporter {
  const place = openPlace('--junit', file);
  return {
    onEnd(state) {
      const tails = new Map<string, string>();
      for (const { name, status, transcript } of outcomesOf(state)) {
        if (transcript === null || status === 'succeeded') continue;
        tails.set(name, lastLines(transcript, tailLength).join('\n'));
      }
      try {
        place.write(junit(state, tails));
      } catch (error) {
        throw new Error(`--junit ${file} was not written: ${reasonOf(error)}`);
      }
    },
  };
}

/** Lines of an agent that failed: what a person needs first. */
const tailLength = 50;
