import { EventEmitter, on } from 'node:events';
import { join } from 'node:path';
import type { InspectionEvent, Observer } from 'xstate';
import type { AgentActors } from '../actors/provide.ts';
import { FlowError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import { loadSpec, parseSpec } from '../spec/load.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { resultOf } from '../state/result.ts';
import type { RunResult } from '../state/result-schema.ts';
import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { guarded, inWords } from './callbacks.ts';
import { startRun } from './start-run.ts';
import { type OutputParsers, parseOutputs, withJsonSchemas } from './typed-outputs.ts';
import type { TypedResult, TypedSpec } from './typed-spec.ts';

export interface FlowOptions {
  /** Cancels the flow when it is aborted: its agents are stopped and everything that it created is removed. */
  readonly signal?: AbortSignal;
  /**
   * Receives every event of the run, in order. If this or `onOutput` throws, or returns a promise that
   * rejects before the flow has ended, the flow is cancelled and rejects with that error. A callback that has failed is
   * not called again. Returned promises are not awaited.
   */
  readonly onEvent?: (event: RunEvent) => void | Promise<void>;
  /**
   * Receives every line that an agent prints, the last ones possibly after the event of its end. It costs one docker process
   * for each agent that runs.
   */
  readonly onOutput?: (agent: string, line: string) => void | Promise<void>;
  /**
   * Receives XState's inspection events of the flow's machine and of each agent's: a function, or an observer such as
   * `createInspector(…).inspect` of `@statelyai/inspect`. One that fails is not called again, and the run continues with
   * a warning.
   */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void | Promise<void>);
  /** Actors of the agent machine, by name, in place of those that act on Docker. */
  readonly actors?: AgentActors;
  /** Directory that keeps the runs. Default: that of the command line. */
  readonly stateDir?: string;
  /** Values of `${NAME}` in a spec. Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A running flow: a promise of its result, and an async iterable of its events. */
export interface Flow<Result = RunResult> extends Promise<Result>, AsyncIterable<RunEvent> {
  /**
   * Stop the agents and remove everything; the promise then resolves with the result. Before the run has begun, nothing
   * is started, and the promise rejects with a `FlowError`. After the end, this has no effect.
   */
  cancel(reason?: string): void;
}

/**
 * Run a flow of agents on the Docker engine.
 *
 * Resolves when every agent has its outcome and everything is removed, even if agents have failed: see `status`. The
 * returned promise is also an async iterable of the run's events, from the moment that the loop begins. Leaving the loop,
 * even by an error in its body, does not end the flow: call `cancel()` for that. It handles no signals of the process,
 * prints nothing, and never exits the process.
 *
 * @param spec The path of a spec, a spec as an object (paths in it are relative to the working directory), or the plan
 *   that `loadSpec` returned. In an object, the schema of an `output` may be one of zod, or any other Standard Schema: then
 *   the output in the result is the value that this schema returns, with its type.
 * @returns A promise of the result, that can be iterated and cancelled.
 * @throws {SpecError} The spec is not valid; nothing was started.
 * @throws {FlowError} The flow cannot begin, for instance without an engine (`EngineError`).
 * @throws {RunStateError} The run folder cannot be written, its lock was lost, or a secret is missing.
 * @throws {FlowError} The flow was cancelled before it began. If `signal` was aborted with an `Error`, that is thrown.
 * @throws {OutputError} A schema of the spec does not accept an output. The error has the whole result.
 * @throws The error of `onEvent` or `onOutput`, if one of them fails; by then everything is removed.
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
export function runFlow<Spec extends string | TypedSpec | FlowPlan>(
  spec: Spec,
  options: FlowOptions = {},
): Flow<TypedResult<Spec>> {
  const { signal, onEvent, onOutput, inspect, actors, env = process.env, stateDir } = options;
  // Every loop over the flow is a listener, without a limit.
  const emitter = new EventEmitter().setMaxListeners(0);
  const cancelled = new AbortController();
  const stop = signal ? AbortSignal.any([signal, cancelled.signal]) : cancelled.signal;
  let hasBegun = false;
  let hasEnded = false;
  let broken: { error: unknown } | null = null;

  const fail = (error: unknown) => {
    broken ??= { error };
    cancelled.abort('a callback of the program has failed');
  };
  const listener = onEvent && guarded(onEvent, fail);
  const emit = (event: RunEvent) => {
    emitter.emit('event', event);
    listener?.(event);
  };

  const begin = async () => {
    if (stop.aborted) throw notBegun(stop.reason);
    const { plan, parsers } = await planOf(spec, env);
    if (stop.aborted) throw notBegun(stop.reason);
    const run = await startRun(plan, {
      env,
      stateDir: openStateDir(stateDirPath(stateDir, process.env)),
      onEvent: emit,
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
    return parseOutputs<Spec>(resultOf(state), parsers);
  };

  const result = begin().finally(() => {
    hasEnded = true;
    // A program that cancelled a flow before it began need not await it.
    if (stop.aborted && !hasBegun && !broken) result.catch(() => {});
    emitter.emit('end');
  });

  async function* events() {
    // A failure is thrown in the loop, so the promise need not be awaited too.
    result.catch(() => {});
    if (!hasEnded) for await (const [event] of on(emitter, 'event', { close: ['end'] })) yield event;
    await result;
  }

  return Object.assign(result, {
    cancel: (reason = byProgram) => cancelled.abort(reason),
    [Symbol.asyncIterator]: events,
  });
}

async function planOf(
  spec: string | TypedSpec | FlowPlan,
  env: NonNullable<FlowOptions['env']>,
): Promise<{ plan: FlowPlan; parsers: OutputParsers }> {
  if (typeof spec === 'string') return { plan: await loadSpec(spec, { env }), parsers: new Map() };
  if (isPlan(spec)) return { plan: spec, parsers: new Map() };
  const path = join(process.cwd(), 'flow.json');
  const { spec: plain, parsers } = withJsonSchemas(spec, path);
  return { plan: await parseSpec(JSON.stringify(plain), { path, env }), parsers };
}

const isPlan = (spec: TypedSpec | FlowPlan): spec is FlowPlan => Array.isArray(spec.agents);

const byProgram = 'cancelled by the program';

/** XState accepts either. */
const listenerOf = (inspect: NonNullable<FlowOptions['inspect']>) =>
  typeof inspect === 'function' ? inspect : (event: InspectionEvent) => inspect.next?.(event);

const notBegun = (reason: unknown) =>
  reason instanceof Error
    ? reason
    : new FlowError(`the flow was cancelled before it began: ${inWords(reason, byProgram)}`, 1, {
        cause: reason,
      });
