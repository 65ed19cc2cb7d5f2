import { checkPlace } from './place.ts';
import { reasonOf } from './reason.ts';
import type { Reporter } from './reporter.ts';

/** Writes the inspector of the run, as one file, when it is over. `write` knows how. */
export function htmlFile(file: string, write: (runId: string, file: string) => Promise<void>): Reporter {
  checkPlace('--html', file, 'run.html');
  return {
    async onEnd({ runId }) {
      try {
        await write(runId, file);
      } catch (error) {
        throw new Error(
          `--html ${file} was not written: ${reasonOf(error)}. agent-flow inspector ${runId} --html ${file} does it again`,
        );
      }
    },
  };
}
