import { type Clock, systemClock } from '../clock.ts';
import type { Reads } from '../docker/read-ahead.ts';
import { type Recorder, recorder as recorderOf } from '../docker/recorder.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { bufferedSink } from '../store/buffered-sink.ts';
import type { RunHost } from '../store/run-file.ts';
import { reachCurrent, reachRunEngine } from './engine-connection.ts';
import { connectHosts, type Host, hostNames, inHost, merged, titleOf } from './run-hosts.ts';

/** The hosts of a run, with the docker calls that were made before there was a journal. */
export interface Connection {
  readonly hosts: readonly Host[];
  readonly early: ReturnType<typeof bufferedSink>;
}

interface ConnectOptions {
  readonly clock?: Clock | undefined;
  readonly redactor: Redactor;
  /** The docker context of the engine of the run; null for the one that docker uses in this process. */
  readonly context: string | null;
}

/**
 * Connect to every host of a plan, whichever engine that is now. Throws an `EngineError` if one cannot be reached. The reads
 * are calls beside the first `docker info`.
 */
export function connect(
  { agents }: Pick<FlowPlan, 'agents'>,
  { context, reads, ...options }: ConnectOptions & { readonly reads?: Reads },
): Promise<Connection> {
  const names = hostNames(agents);
  return recorded(options, 0, recorder =>
    connectHosts(names, name =>
      reachCurrent(recorder, {
        context: name ?? context,
        ...(reads !== undefined && name === names[0] && { reads }),
      }),
    ),
  );
}

/** Connect to the hosts that a run began on. Throws an `EngineError` if one is not found. */
export function reconnect(
  hosts: readonly RunHost[],
  {
    runId,
    callsBefore,
    context,
    ...options
  }: ConnectOptions & { readonly runId: string; readonly callsBefore: number },
): Promise<Connection> {
  return recorded(options, callsBefore, recorder =>
    Promise.all(
      hosts.map(async ({ names, engine }) => {
        const name = titleOf({ names });
        const run = { runId, engine, context: name ?? context };
        return { ...(await reachRunEngine(run, recorder).catch(inHost(name))), names };
      }),
    ),
  );
}

/**
 * Connect to the hosts that a run began on, each of which may be gone for good: then to the engine that its name leads to now.
 * To stop a run, one without any engine has those of another host: its agents count as removed.
 */
export function replaceHosts(
  hosts: readonly RunHost[],
  {
    runId,
    callsBefore,
    context,
    isStop,
    ...options
  }: ConnectOptions & { readonly runId: string; readonly callsBefore: number; readonly isStop: boolean },
): Promise<Connection> {
  return recorded(options, callsBefore, async recorder => {
    const found = await Promise.allSettled(
      hosts.map(async ({ names, engine }) => {
        const name = titleOf({ names });
        const at = name ?? context;
        const reached = await reachRunEngine({ runId, engine, context: at }, recorder).catch(() =>
          reachCurrent(recorder, { context: at }).catch(inHost(name)),
        );
        return { ...reached, names };
      }),
    );
    const other = found.find(({ status }) => status === 'fulfilled');
    return merged(
      found.map((result, index) => {
        if (result.status === 'fulfilled') return result.value;
        if (!isStop || other?.status !== 'fulfilled') throw result.reason;
        return { ...other.value, names: hosts[index]!.names };
      }),
    );
  });
}

async function recorded(
  { clock = systemClock, redactor }: Omit<ConnectOptions, 'context'>,
  callsBefore: number,
  reach: (recorder: Recorder) => Promise<Host[]>,
): Promise<Connection> {
  const early = bufferedSink();
  const hosts = await reach(recorderOf(early, clock.elapsed, callsBefore, redactor.text));
  return { hosts, early };
}
