import { outcomesOf } from '../../state/outcomes.ts';
import { roundsOf } from '../../state/rounds.ts';
import { openReport } from './open-report.ts';
import { reasonOf } from './reason.ts';
import type { Reporter } from './reporter.ts';
import { lastLines } from './transcript.ts';

/** Write JUnit XML at the end of the run. */
export function junitFile(file: string): Reporter {
  const report = openReport('--junit', file);
  // Now, since an update of the package during a long run replaces its files.
  const loading = Promise.all([
    import('../../reporters/junit.ts'),
    import('../../reporters/junit-rounds.ts'),
  ]);
  loading.catch(() => {});
  return {
    async onEnd(state) {
      const tails = new Map<string, string>();
      try {
        const [{ junit }, { roundKey }] = await loading;
        for (const { name, status, output, attempts } of outcomesOf(state)) {
          if (output !== null && status !== 'succeeded') tails.set(name, tailOf(output));
          for (const { round, status, transcript } of roundsOf({ attempts }))
            if (status !== 'passed' && transcript !== null)
              tails.set(roundKey(name, round), tailOf(transcript));
        }
        report.write(junit(state, tails));
      } catch (error) {
        throw new Error(`--junit ${file} was not written: ${reasonOf(error)}`);
      }
    },
  };
}

/** Lines of output in the report of an agent or a check that failed. */
const tailLength = 50;

const tailOf = (file: string) => lastLines(file, tailLength).join('\n');
