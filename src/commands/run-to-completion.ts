import type { InspectionEvent } from 'xstate';
import type { RunEvent } from '../events.ts';
import { summary } from '../reporters/summary.ts';
import { guarded } from '../run/callbacks.ts';
import type { Run, RunOptions } from '../run/run.ts';
import { handleSignals, type Signals } from '../run/shutdown.ts';
import { resultOf } from '../state/result.ts';
import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { type CommonOptions, printJson, say } from './command.ts';
import { notifyParent } from './detach.ts';
import { inspectOption } from './inspector/option.ts';
import { lines, type Progress, progress } from './progress.ts';
import { reportError } from './report-error.ts';
import { combineReporters } from './reports/combine-reporters.ts';
import { reportersFor } from './reports/reporters-for.ts';
import { ignoreBrokenPipe } from './streams.ts';

/** How people and programs are told of a run that this process drives. */
export interface ReportingOptions extends CommonOptions {
  readonly json: boolean;
  readonly junit?: string;
  readonly events?: string;
  readonly html?: string;
  readonly inspect?: string;
  readonly inspectWrite: boolean;
}

type Listeners = Omit<RunOptions, 'stateDir' | 'clock'>;

/** A run that this process is to drive. */
export interface RunToDrive {
  /** Names it among others. */
  readonly runId: string | null;
  begin(listeners: Listeners): Promise<Run>;
}

interface SeenThrough {
  readonly exitCode: number;
  /** Nothing that was to be removed may be left. */
  readonly isClean: boolean;
}

/**
 * Sees runs through from their beginning to their end, and tells of them. Resolves with the exit code: the largest of
 * theirs, or that of a signal where everything of every run is removed. One that fails does not end the others.
 */
export async function runToCompletion(
  runs: readonly RunToDrive[],
  options: ReportingOptions,
): Promise<number> {
  ignoreBrokenPipe();
  const signals = handleSignals(runs.length);
  const seen = runs.map(run => {
    const isAlone = runs.length === 1;
    const through = seeOne(run, options, isAlone ? progress() : lines(run.runId), signals);
    return isAlone ? through : through.catch(error => failed(run, error));
  });
  const ends = await Promise.all(seen);
  const worst = Math.max(0, ...ends.map(({ exitCode }) => exitCode));
  // A signal's own exit code says that everything is removed.
  return ends.every(({ isClean }) => isClean) ? (signals.exitCode() ?? worst) : worst;
}

const failed = ({ runId }: RunToDrive, error: unknown): SeenThrough => ({
  exitCode: reportError(error, `${runId}: `),
  isClean: false,
});

async function seeOne(
  { begin }: RunToDrive,
  options: ReportingOptions,
  shown: Progress,
  signals: Signals,
): Promise<SeenThrough> {
  const over = once(signals.runIsOver);
  // Whoever looks on does not end a run by an error.
  const safely = <A extends unknown[]>(listener: (...args: A) => void) =>
    guarded(listener, error => say(`warning: the run is not shown any more: ${oneLine(String(error))}`));
  try {
    const ways = { stdout: process.stdout, say, renderHtml: htmlOf(options) };
    const reports = combineReporters(reportersFor(options, process.env, ways), say);
    if (options.html !== undefined) await checkPage();
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
    signals.cover(begun);
    try {
      const run = await begun;
      notifyParent(run.folder.runId);
      const { exitCode, isClean, state } = await run.done;
      shown.stop();
      say(summary(state));
      if (options.json) printJson(resultOf(state));
      await reports.onEnd(state);
      return { exitCode, isClean };
    } finally {
      shown.stop();
      // A signal now ends the wait for whoever reads slowly.
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

/** Throws, before anything is started, where the page could not be written at the end. */
async function checkPage(): Promise<void> {
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

/** Loaded only where it is asked for. */
async function openInspector(options: ReportingOptions): Promise<Inspecting | null> {
  const inspect = inspectOption(options.inspect);
  if (inspect === null) return null;
  if (inspect === 'stately') {
    const { statelyInspector } = await import('../inspector/stately.ts');
    const inspector = await statelyInspector();
    say(inspector.announcement);
    return inspector;
  }
  const { inspectorOf } = await import('./inspector/open.ts');
  const stateDir = openStateDir(stateDirPath(options.stateDir, process.env));
  const inspector = await inspectorOf({ port: inspect.port, mayType: options.inspectWrite });
  say(`inspector: ${inspector.url}`);
  return {
    // The journal is what it shows; it is only told where that is, and when to look.
    onEvent(event) {
      if (event.type === 'run.started') inspector.show(stateDir.run(event.runId));
      inspector.look();
    },
    close: inspector.close,
  };
}

/** The options of `ToldOptions`, for yargs. */
export const toldOptions = {
  junit: { type: 'string', requiresArg: true, describe: 'write JUnit XML to this file when the run is over' },
  events: {
    type: 'string',
    requiresArg: true,
    describe: 'write every event to this file, a line of JSON each; - is stdout',
  },
  html: {
    type: 'string',
    requiresArg: true,
    describe: 'write the inspector of the run, as one page, to this file when it is over',
  },
  inspect: {
    type: 'string',
    describe: 'show the run on a local page, on this port or any; stately: in the Stately Inspector',
  },
  'inspect-write': {
    type: 'boolean',
    default: false,
    describe: 'with --inspect: whoever looks may type into the terminals',
  },
  json: { type: 'boolean', default: false, describe: 'print the result as one line of JSON' },
} as const;

/** Throws where they do not go together. */
export function checkInspect({
  inspect: given,
  inspectWrite,
}: {
  readonly inspect?: string | undefined;
  readonly inspectWrite?: unknown;
}): void {
  const inspect = inspectOption(given);
  if (inspectWrite && (inspect === null || inspect === 'stately'))
    throw new Error('--inspect-write goes with --inspect and our own page');
}
