import type { InspectionEvent } from 'xstate';
import type { RunEvent } from '../events.ts';
import { summary } from '../reporters/summary.ts';
import { guarded } from '../run/callbacks.ts';
import type { Run, RunOptions } from '../run/run.ts';
import { handleSignals, type Signals } from '../run/signals.ts';
import { resultOf } from '../state/result.ts';
import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { type CommonOptions, printJson, printLine } from './command.ts';
import { notifyParent } from './detach.ts';
import { inspectOption } from './inspector/option.ts';
import { lines, type Progress, progress } from './progress.ts';
import { reportError } from './report-error.ts';
import { combineReporters } from './reports/combine-reporters.ts';
import { reportersFor } from './reports/reporters-for.ts';
import { ignoreBrokenPipe } from './streams.ts';

/** Options that choose how a run is reported. */
export interface ReportingOptions extends CommonOptions {
  readonly json: boolean;
  readonly junit?: string;
  readonly events?: string;
  readonly html?: string;
  readonly inspect?: string;
  readonly inspectWrite: boolean;
}

type Listeners = Omit<RunOptions, 'stateDir' | 'clock'>;

/** A run for this process to drive. */
export interface RunToDrive {
  /** Put before its lines and errors if several runs are driven; null before it has an id. */
  readonly runId: string | null;
  begin(listeners: Listeners): Promise<Run>;
}

interface RunEnd {
  readonly exitCode: number;
  /** True if everything that had to be removed is removed. */
  readonly isClean: boolean;
}

/**
 * Drive runs to their end and report them. Resolve with the largest of their exit codes, or with that of a signal if
 * everything of every run is removed. A run that fails does not end the others.
 */
export async function runToCompletion(
  runs: readonly RunToDrive[],
  options: ReportingOptions,
): Promise<number> {
  ignoreBrokenPipe();
  const signals = handleSignals(runs.length);
  const ending = runs.map(run => {
    const isAlone = runs.length === 1;
    const end = runOne(run, options, isAlone ? progress : async () => lines(run.runId), signals);
    return isAlone ? end : end.catch(error => failed(run, error));
  });
  const ends = await Promise.all(ending);
  const worst = Math.max(0, ...ends.map(({ exitCode }) => exitCode));
  // The exit code of a signal means that everything is removed.
  return ends.every(({ isClean }) => isClean) ? (signals.exitCode() ?? worst) : worst;
}

const failed = ({ runId }: RunToDrive, error: unknown): RunEnd => ({
  exitCode: reportError(error, `${runId}: `),
  isClean: false,
});

async function runOne(
  { begin }: RunToDrive,
  options: ReportingOptions,
  openProgress: () => Promise<Progress>,
  signals: Signals,
): Promise<RunEnd> {
  const over = once(signals.noteRunEnd);
  // An error of a listener must not end the run.
  const safely = <A extends unknown[]>(listener: (...args: A) => void) =>
    guarded(listener, error => printLine(`warning: progress stopped: ${oneLine(String(error))}`));
  try {
    const shown = await openProgress();
    const sinks = { stdout: process.stdout, printLine, renderHtml: htmlOf(options) };
    const reports = combineReporters(reportersFor(options, process.env, sinks), printLine);
    if (options.html !== undefined) await assertPageBuilds();
    const inspector = await openInspector(options);
    const show = [shown.onEvent, inspector?.onEvent].filter(listener => listener !== undefined).map(safely);
    const begun = begin({
      onPast: shown.onPast,
      onEvent(event) {
        reports.onEvent(event);
        for (const listener of show) listener(event);
      },
      ...(shown.onOutput && { onOutput: safely(shown.onOutput) }),
      ...(inspector?.inspect && { inspect: safely(inspector.inspect) }),
    });
    signals.add(begun);
    try {
      const run = await begun;
      notifyParent(run.folder.runId);
      const { exitCode, isClean, state } = await run.done;
      shown.stop();
      printLine(summary(state));
      if (options.json) printJson(resultOf(state));
      await reports.onEnd(state);
      return { exitCode, isClean };
    } finally {
      shown.stop();
      // From here on a signal ends the wait for a slow reader.
      over();
      await reports.close();
      await inspector?.close();
    }
  } finally {
    over();
  }
}

function once(call: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) call();
    isDone = true;
  };
}

/** Throw, before anything is started, if the page could not be written at the end. */
async function assertPageBuilds(): Promise<void> {
  const { assets } = await import('../inspector/assets.ts');
  await assets();
}

const htmlOf = (options: CommonOptions) => async (runId: string) => {
  const { inspectorPage } = await import('./inspector/open.ts');
  const stateDir = openStateDir(stateDirPath(options.stateDir, process.env));
  return inspectorPage(stateDir.run(runId));
};

interface Inspecting {
  onEvent?(event: RunEvent): void;
  inspect?(event: InspectionEvent): void;
  close(): Promise<void>;
}

/** Load and open the inspector that `--inspect` asks for. */
async function openInspector(options: ReportingOptions): Promise<Inspecting | null> {
  const inspect = inspectOption(options.inspect);
  if (inspect === null) return null;
  if (inspect === 'stately') {
    const { statelyInspector } = await import('../inspector/stately.ts');
    const inspector = await statelyInspector();
    printLine(inspector.announcement);
    return inspector;
  }
  const { inspectorOf } = await import('./inspector/open.ts');
  const stateDir = openStateDir(stateDirPath(options.stateDir, process.env));
  const inspector = await inspectorOf({ port: inspect.port, mayWrite: options.inspectWrite });
  printLine(`inspector: ${inspector.url}`);
  return {
    // The inspector reads the journal: events only trigger reading.
    onEvent(event) {
      if (event.type === 'run.started') inspector.show(stateDir.run(event.runId));
      inspector.poll();
    },
    close: inspector.close,
  };
}

/** Options of `ReportingOptions`, for yargs. */
export const reportingOptions = {
  junit: {
    type: 'string',
    requiresArg: true,
    describe: 'Write JUnit XML to this file at the end of the run',
  },
  events: {
    type: 'string',
    requiresArg: true,
    describe: 'Write every event to this file as JSON lines; - is stdout',
  },
  html: {
    type: 'string',
    requiresArg: true,
    describe: 'Write the inspector to this file at the end of the run',
  },
  inspect: {
    type: 'string',
    describe: 'Serve the inspector on a port (default: any), or "stately"',
  },
  'inspect-write': {
    type: 'boolean',
    default: false,
    describe: 'With --inspect: allow input and decisions from the page',
  },
  json: { type: 'boolean', default: false, describe: 'Print the result as one line of JSON' },
} as const;

/** Throw if the options cannot be combined. */
export function checkInspect({
  inspect: given,
  inspectWrite,
}: {
  readonly inspect?: string | undefined;
  readonly inspectWrite?: unknown;
}): void {
  const inspect = inspectOption(given);
  if (inspectWrite && (inspect === null || inspect === 'stately'))
    throw new Error('--inspect-write requires --inspect, without "stately"');
}
