import { openPlace } from './assert-writable.ts';
import { reasonOf } from './reason.ts';
import type { Reporter } from './reporter.ts';

/** Write the inspector of the run, as one file, when it is over. */
export function htmlFile(file: string, render: (runId: string) => Promise<string>): Reporter {
  const place = openPlace('--html', file, 'run.html');
  return {
    async onEnd({ runId }) {
      try {
        place.write(await render(runId));
      } catch (error) {
        throw new Error(
          `--html ${file} was not written: ${reasonOf(error)}. agent-flow inspector ${runId} --html ${file} does it again`,
        );
      }
    },
  };
}
