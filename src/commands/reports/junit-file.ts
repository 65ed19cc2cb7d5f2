import { outcomesOf } from '../../state/outcomes.ts';
import { openReport } from './open-report.ts';
import { reasonOf } from './reason.ts';
import type { Reporter } from './reporter.ts';
import { lastLines } from './transcript.ts';

/** Write JUnit XML at the end of the run. */
export function junitFile(file: string): Reporter {
  const report = openReport('--junit', file);
  // Now, since an update of the package during a long run replaces its files.
  const loading = import('../../reporters/junit.ts');
  loading.catch(() => {});
  return {
    async onEnd(state) {
      const tails = new Map<string, string>();
      for (const { name, status, output } of outcomesOf(state)) {
        if (output === null || status === 'succeeded') continue;
        tails.set(name, lastLines(output, tailLength).join('\n'));
      }
      try {
        const { junit } = await loading;
        report.write(junit(state, tails));
      } catch (error) {
        throw new Error(`--junit ${file} was not written: ${reasonOf(error)}`);
      }
    },
  };
}

/** Lines of output in the report of an agent that failed. */
const tailLength = 50;
