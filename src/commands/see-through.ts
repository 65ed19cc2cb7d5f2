import type { Run, RunOptions } from '../engine/conduct.ts';
import { obeySignals } from '../engine/shutdown.ts';
import { resultOf } from '../views/result.ts';
import { summary } from '../views/summary.ts';
import { type CommonOptions, printJson, say } from './command.ts';
import { tellStarter } from './detach.ts';
import { type Progress, progress } from './progress.ts';
import { reportersFor } from './reports/reporters-for.ts';
import { together } from './reports/together.ts';
import { outliveReaders } from './streams.ts';

/** How people and programs are told of a run that this process drives. */
export interface ToldOptions extends CommonOptions {
  readonly json: boolean;
  readonly junit?: string;
  readonly events?: string;
  readonly inspect?: 'stately';
}

type Listeners = Omit<RunOptions, 'stateDir' | 'clock'>;

/** Sees a run through from its beginning to its end, and tells of it; resolves with the exit code. */
export async function seeThrough(
  begin: (listeners: Listeners) => Promise<Run>,
  options: ToldOptions,
  shown: Progress = progress(),
): Promise<number> {
  outliveReaders();
  const reports = together(reportersFor(options, process.env, { stdout: process.stdout, say }), say);
  const inspector = options.inspect === undefined ? null : await openInspector();
  const begun = begin({
    onPast: shown.onPast,
    onEvent(event) {
      reports.onEvent(event);
      shown.onEvent(event);
    },
    ...(shown.onOutput && { onOutput: shown.onOutput }),
    ...(inspector && { inspect: inspector.inspect }),
  });
  const signals = obeySignals(begun);
  try {
    const run = await begun;
    tellStarter(run.folder.runId);
    const { exitCode, isClean, state } = await run.done;
    shown.stop();
    say(summary(state));
    if (options.json) printJson(resultOf(state));
    await reports.onEnd(state);
    // A signal's own exit code says that everything is removed.
    return isClean ? (signals.exitCode() ?? exitCode) : exitCode;
  } finally {
    shown.stop();
    // From here on a signal ends the wait for whoever reads slowly.
    signals[Symbol.dispose]();
    await reports.close();
    await inspector?.close();
  }
}

/** Loaded only where it is asked for. */
async function openInspector() {
  const { statelyInspector } = await import('../inspector/stately.ts');
  const inspector = await statelyInspector();
  say(inspector.announcement);
  return inspector;
}

/** The options of `ToldOptions`, for yargs. */
export const toldOptions = {
  junit: { type: 'string', requiresArg: true, describe: 'write JUnit XML to this file when the run is over' },
  events: {
    type: 'string',
    requiresArg: true,
    describe: 'write every event to this file, a line of JSON each; - is stdout',
  },
  inspect: {
    choices: ['stately'],
    requiresArg: true,
    describe: 'stately: show the machines in the Stately Inspector, on a local page',
  },
  json: { type: 'boolean', default: false, describe: 'print the result as one line of JSON' },
} as const;
