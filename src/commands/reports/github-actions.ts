import { randomBytes } from 'node:crypto';
import { annotations, resumeCommands, stopCommands, transcriptGroup } from '../../reporters/github.ts';
import { markdown } from '../../reporters/markdown.ts';
import type { FlowState } from '../../state/flow-state.ts';
import { outcomesOf } from '../../state/outcomes.ts';
import { reasonOf } from './reason.ts';
import { type ReportFile, reportFile } from './report-file.ts';
import type { Reporter } from './reporter.ts';
import { lastLines } from './transcript.ts';

/**
 * Report to the runner of GitHub Actions: annotations, transcripts as groups of the log, and the step's summary. Commands are
 * stopped during the run, since the runner finds `##[…]` anywhere in a line.
 */
export function githubActions(summaryFile: string | null, printLine: (line: string) => void): Reporter {
  let stopped: string | null = null;
  const summary = summaryFile === null ? null : openSummary(summaryFile);
  const resume = () => {
    if (stopped !== null) printLine(resumeCommands(stopped));
    stopped = null;
  };
  return {
    onEvent() {
      if (stopped !== null) return;
      stopped = newToken();
      printLine(stopCommands(stopped));
    },
    onEnd(state) {
      resume();
      for (const line of annotations(state)) printLine(line);
      for (const outcome of outcomesOf(state)) {
        const lines = outcome.output === null ? [] : lastLines(outcome.output, maxLines);
        if (lines.length > 0) for (const line of transcriptGroup(outcome, lines, newToken())) printLine(line);
      }
      if (summaryFile !== null) addSummary(summaryFile, summary, state);
    },
    close: resume,
  };
}

const maxLines = 500;
const newToken = () => randomBytes(16).toString('hex');

/** GitHub's limit for the summary of a step. */
const maxBytes = 1 << 20;

/** Open the summary before any agent starts. A failure becomes a warning at the end of the run. */
function openSummary(file: string): ReportFile | Error {
  try {
    return reportFile(file);
  } catch (error) {
    return error as Error;
  }
}

function addSummary(file: string, opened: ReportFile | Error | null, state: FlowState): void {
  try {
    if (opened instanceof Error) throw opened;
    opened?.append(used => markdown(state, maxBytes - used));
  } catch (error) {
    throw new Error(`the step summary ${file} was not written: ${reasonOf(error)}`);
  }
}
