import { openReport } from './open-report.ts';
import { reasonOf } from './reason.ts';
import type { Reporter } from './reporter.ts';

/** Write the inspector as one file at the end of the run. */
export function htmlFile(file: string, render: (runId: string) => Promise<string>): Reporter {
  const report = openReport('--html', file, 'run.html');
  return {
    async onEnd({ runId }) {
      try {
        report.write(await render(runId));
      } catch (error) {
        throw new Error(
          `--html ${file} was not written: ${reasonOf(error)}. Run agent-flow inspector ${runId} --html ${file} to try again`,
        );
      }
    },
  };
}
