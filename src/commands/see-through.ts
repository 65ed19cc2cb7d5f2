import type { InspectionEvent } from 'xstate';
import type { Run, RunOptions } from '../engine/conduct.ts';
import { obeySignals } from '../engine/shutdown.ts';
import { openStateDir, stateDirPath } from '../engine/state-dir.ts';
import type { FlowEvent } from '../events.ts';
import { resultOf } from '../views/result.ts';
import { summary } from '../views/summary.ts';
import { type CommonOptions, printJson, say } from './command.ts';
import { tellStarter } from './detach.ts';
import { inspectOption } from './inspector/option.ts';
import { type Progress, progress } from './progress.ts';
import { reportersFor } from './reports/reporters-for.ts';
import { together } from './reports/together.ts';
import { outliveReaders } from './streams.ts';

/** How people and programs are told of a run that this process drives. */
export interface ToldOptions extends CommonOptions {
  readonly json: boolean;
  readonly junit?: string;
  readonly events?: string;
  readonly html?: string;
  readonly inspect?: string;
  readonly inspectWrite: boolean;
}

type Listeners = Omit<RunOptions, 'stateDir' | 'clock'>;

/** Sees a run through from its beginning to its end, and tells of it; resolves with the exit code. */
export async function seeThrough(
  begin: (listeners: Listeners) => Promise<Run>,
  options: ToldOptions,
  shown: Progress = progress(),
): Promise<number> {
  outliveReaders();
  const ways = { stdout: process.stdout, say, renderHtml: htmlOf(options) };
  const reports = together(reportersFor(options, process.env, ways), say);
  const inspector = await openInspector(options);
  const begun = begin({
    onPast: shown.onPast,
    onEvent(event) {
      reports.onEvent(event);
      shown.onEvent(event);
      inspector?.onEvent?.(event);
    },
    ...(shown.onOutput && { onOutput: shown.onOutput }),
    ...(inspector?.inspect && { inspect: inspector.inspect }),
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
    // A signal now ends the wait for whoever reads slowly.
    signals.runIsOver();
    await reports.close();
    await inspector?.close();
  }
}

const htmlOf = (options: CommonOptions) => async (runId: string) => {
  const { inspectorPage } = await import('./inspector/open.ts');
  const stateDir = openStateDir(stateDirPath(options.stateDir, process.env));
  return inspectorPage(stateDir.run(runId));
};

interface Inspecting {
  onEvent?(event: FlowEvent): void;
  inspect?(event: InspectionEvent): void;
  close(): Promise<void>;
}

/** Loaded only where it is asked for. */
async function openInspector(options: ToldOptions): Promise<Inspecting | null> {
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
