import { EventEmitter, on } from 'node:events';
import { join } from 'node:path';
import type { InspectionEvent, Observer } from 'xstate';
import type { AgentActors } from '../actors/provide.ts';
import { FlowError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import { loadSpec, parseSpec } from '../spec/load.ts';
import type { FlowPlan } from '../spec/plan.ts';
import type { SpecInput } from '../spec/schema.ts';
import { type RunResult, resultOf } from '../state/result.ts';
import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { guarded, inWords } from './callbacks.ts';
import { startRun } from './start-run.ts';

export interface FlowOptions {
  /** Aborting it cancels the flow: its agents are stopped, and everything that it made is removed. */
  readonly signal?: AbortSignal;
  /**
   * Told every event of the run, in order, as it happens. If this or `onOutput` throws, or returns a promise that
   * rejects before the flow has ended, the flow is cancelled and rejects with that error. A callback that has failed is
   * not called again. Returned promises are not awaited.
   */
  readonly onEvent?: (event: RunEvent) => void | Promise<void>;
  /**
   * Told every line that an agent prints, the last ones perhaps after the event of its end. It costs one docker process
   * for each agent that runs.
   */
  readonly onOutput?: (agent: string, line: string) => void | Promise<void>;
  /**
   * Told XState's inspection events of the flow's machine and of each agent's: a function, or an observer such as
   * `createInspector(…).inspect` of `@statelyai/inspect`. One that fails is not called again, and the run goes on with a
   * warning.
   */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void | Promise<void>);
  /** What an agent's machine invokes, by name: those given take the place of those that act on Docker. */
  readonly actors?: AgentActors;
  /** Where the run is remembered. Default: that of the command line. */
  readonly stateDir?: string;
  /** What `${NAME}` in a spec means. Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A flow under way: a promise of how it comes out, and its events while it lasts. */
export interface Flow extends Promise<RunResult>, AsyncIterable<RunEvent> {
  /**
   * Stops the agents and removes everything; the promise then resolves with what became of them. Before the run has
   * begun, nothing is started, and the promise rejects with a `FlowError`. After the end, it does nothing.
   */
  cancel(reason?: string): void;
}

/**
 * Runs a flow of agents on the Docker engine.
 *
 * Resolves when every agent has come out and everything is removed, also where agents have failed: `status` says so.
 * What it returns is also an async iterable of the run's events, from the moment that the loop begins; leaving the
 * loop, also by an error in its body, does not end the flow: `cancel()` does. It listens to no signals of the process,
 * prints nothing, and never ends the process.
 *
 * @param spec The path of a spec, a spec as an object (paths in it are relative to the working directory), or what
 *   `loadSpec` gave.
 * @returns A promise of the result, that can be iterated and cancelled.
 * @throws {SpecError} The spec is not right; nothing was started.
 * @throws {FlowError} The flow cannot begin, for instance for want of an engine (`EngineError`).
 * @throws {FlowError} The flow was cancelled before it began. Where `signal` was aborted with an `Error`, that is thrown.
 * @throws The error of `onEvent` or `onOutput`, where that has failed; by then everything is removed.
 *
 * @example
 * ```ts
 * import { runFlow } from 'agent-flow';
 *
 * const flow = runFlow({ agents: { hello: { command: ['echo', 'Hello!'], memory: '128m', cpus: 1 } } });
 * for await (const event of flow) if (event.type === 'agent.state') console.log(event.agent, event.state);
 * const { status, agents } = await flow;
 * console.log(status, agents.hello?.exitCode); // succeeded 0
 * ```
 */
export function runFlow(spec: string | SpecInput | FlowPlan, options: FlowOptions = {}): Flow {
  const { signal, onEvent, onOutput, inspect, actors, env = process.env, stateDir } = options;
  // Each loop over the flow listens; there may be many.
  const teller = new EventEmitter().setMaxListeners(0);
  const asked = new AbortController();
  const stop = signal ? AbortSignal.any([signal, asked.signal]) : asked.signal;
  let hasBegun = false;
  let over = false;
  let broken: { error: unknown } | null = null;

  const fail = (error: unknown) => {
    broken ??= { error };
    asked.abort('a callback of the program has failed');
  };
  const listener = onEvent && guarded(onEvent, fail);
  const tell = (event: RunEvent) => {
    teller.emit('event', event);
    listener?.(event);
  };

  const begin = async () => {
    if (stop.aborted) throw notBegun(stop.reason);
    const plan = await planOf(spec, env);
    if (stop.aborted) throw notBegun(stop.reason);
    const run = await startRun(plan, {
      env,
      stateDir: openStateDir(stateDirPath(stateDir, process.env)),
      onEvent: tell,
      ...(onOutput && { onOutput: guarded(onOutput, fail) }),
      ...(inspect && { inspect: listenerOf(inspect) }),
      ...(actors && { actors }),
    });
    hasBegun = true;
    const cancel = () => run.cancel(inWords(stop.reason, byProgram));
    if (stop.aborted) cancel();
    else stop.addEventListener('abort', cancel, { once: true });
    const { state } = await run.done.finally(() => stop.removeEventListener('abort', cancel));
    if (broken) throw broken.error;
    return resultOf(state);
  };

  const result = begin().finally(() => {
    over = true;
    // A program that has cancelled what never began need not await it.
    if (stop.aborted && !hasBegun && !broken) result.catch(() => {});
    teller.emit('over');
  });

  async function* events() {
    // Who iterates is told of a failure there; that nobody awaits the promise as well is no fault.
    result.catch(() => {});
    if (!over) for await (const [event] of on(teller, 'event', { close: ['over'] })) yield event;
    await result;
  }

  return Object.assign(result, {
    cancel: (reason = byProgram) => asked.abort(reason),
    [Symbol.asyncIterator]: events,
  });
}

async function planOf(spec: string | SpecInput | FlowPlan, env: NonNullable<FlowOptions['env']>) {
  if (typeof spec === 'string') return loadSpec(spec, { env });
  if (isPlan(spec)) return spec;
  return parseSpec(JSON.stringify(spec), { path: join(process.cwd(), 'flow.json'), env });
}

const isPlan = (spec: SpecInput | FlowPlan): spec is FlowPlan => Array.isArray(spec.agents);

const byProgram = 'cancelled by the program';

/** XState takes either. */
const listenerOf = (inspect: NonNullable<FlowOptions['inspect']>) =>
  typeof inspect === 'function' ? inspect : (event: InspectionEvent) => inspect.next?.(event);

const notBegun = (reason: unknown) =>
  reason instanceof Error
    ? reason
    : new FlowError(`the flow was cancelled before it began: ${inWords(reason, byProgram)}`, 1, {
        cause: reason,
      });
