import type { ActorContext } from '../actors/context.ts';
import { containers as containersOf } from '../docker/containers.ts';
import { engineInfo } from '../docker/engine-info.ts';
import { type Watcher, watchContainers } from '../docker/watch.ts';
import { startsAtOnce } from '../preflight/limits.ts';
import { isFresh } from '../recovery/record.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { watchLock } from '../store/lock.ts';
import { watchRequests } from '../store/requests.ts';
import { type Following, followOutput } from '../transcript/follow-output.ts';
import { createActorContext } from './actor-context.ts';
import { guarded, inWords } from './callbacks.ts';
import { drive, type FlowDriver } from './drive.ts';
import { engineReplaced, lostLock, unwritable } from './halt-errors.ts';
import { adaptiveLimiter } from './limiter.ts';
import { type OpenRun, stopReason } from './open-run.ts';
import type { RunOptions } from './run.ts';

/** A run whose machines run: they act on its agents, and the rest sends them events. */
export interface DrivenRun extends Disposable {
  readonly driver: FlowDriver;
  readonly context: ActorContext;
  /** null if nothing listens to the agents' output. */
  readonly following: Following | null;
  /** Resolves when no docker process follows the engine's events any more. */
  closeWatcher(): Promise<void>;
}

export function startActors(open: OpenRun, { stopOnly, onOutput, inspect, actors }: RunOptions): DrivenRun {
  const { run, journal, tracker, concurrency, halted, ending } = open;
  const watcher = watchRun(open);
  const context = actorContextOf(open, watcher);
  const following = onOutput === undefined ? null : followAgents(open, context, onOutput);
  const ended = run.plan.agents.map(({ name }) => name).filter(name => tracker.record(name).ended);
  const driver = drive(agentsToDrive(open, stopOnly), concurrency, {
    context,
    journal,
    inspect: inspect && guarded(inspect, error => warn(open, inspectFailed(error))),
    actors,
    ended: new Set(ended),
  });
  const requests = watchRequests(run.folder.requests, ({ stop }) =>
    stop === null ? driver.cancel(stopReason) : driver.cancelAgent(stop, stopReason),
  );
  const lockWatch = watchLock(run.lock, () => halted.resolve(lostLock(run.folder)));
  return {
    driver,
    context,
    following,
    closeWatcher() {
      ending.abort();
      return watcher.closed;
    },
    [Symbol.dispose]() {
      requests[Symbol.dispose]();
      lockWatch[Symbol.dispose]();
    },
  };
}

/** Agents with a container come first: a new one could take their place under the limit. */
function agentsToDrive({ run: { plan }, tracker }: OpenRun, stopOnly: RunOptions['stopOnly']): AgentPlan[] {
  const rank = ({ name }: AgentPlan) => Number(isFresh(tracker.record(name)));
  const agents = plan.agents.toSorted((a, b) => rank(a) - rank(b));
  const only = stopOnly?.agent ?? null;
  if (only === null) return agents;
  return agents.filter(({ name }) => name === only).map(agent => ({ ...agent, dependsOn: [] }));
}

function watchRun(open: OpenRun): Watcher {
  const { run, connection, clock, journal, halted, ending } = open;
  const { docker, recorder, engine } = connection;
  return watchContainers({
    containers: containersOf(docker),
    recorder,
    runId: run.folder.runId,
    signal: ending.signal,
    now: clock.now,
    engineTime: engine.systemTime,
    sleep: clock.sleep,
    async confirmEngine() {
      const found = await engineInfo(docker);
      if (found.id === engine.id) return;
      const error = engineReplaced(run.folder, engine.id, found.id);
      halted.resolve(error);
      throw error;
    },
    onUnreachable: message => void journal.append({ type: 'engine.unreachable', message }),
    onReachable: () => void journal.append({ type: 'engine.reachable' }),
    onEventsRefused: reason => warn(open, eventsRefused(reason)),
    onEventsRestored: () => warn(open, 'Docker sends its events again'),
    onStarted: (containerId, startedAt) =>
      void journal.append({ type: 'container.started', containerId, startedAt }),
  });
}

function actorContextOf(
  { run, connection, stateDir, clock, journal, tracker, halted, ending }: OpenRun,
  watcher: Watcher,
): ActorContext {
  const { docker, recorder, engine } = connection;
  const limiter = adaptiveLimiter({
    maxConcurrency: startsAtOnce(engine),
    now: clock.elapsed,
    onChange: (atOnce, reason) => void journal.append({ type: 'engine.throttled', atOnce, reason }),
  });
  return createActorContext({
    run: { ...run, stateDir },
    isResumed: run.isResumed,
    docker: { docker, recorder, containers: containersOf(docker), watcher, engine, limiter },
    time: { clock, deadlineSignal: tracker.deadline.signal },
    vault: run.vault,
    tracker: tracker,
    emit: event => journal.append(event),
    halt: error => halted.resolve(unwritable(run.folder, error)),
    signal: ending.signal,
  });
}

function followAgents(
  { run, connection, journal, ending }: OpenRun,
  { seals, identity }: ActorContext,
  onOutput: NonNullable<RunOptions['onOutput']>,
): Following {
  return followOutput(journal, {
    recorder: connection.recorder,
    onOutput,
    redactor: run.vault.redactor,
    canRedact: async ({ agent, ...event }, signal) =>
      (await seals.unseal({ ...event, name: agent }, signal)) === null,
    nonce: (agent, attempt) => identity(agent, attempt).nonce,
    signal: ending.signal,
  });
}

const warn = ({ journal }: OpenRun, message: string) =>
  void journal.append({ type: 'warning', agent: null, message });

const eventsRefused = (reason: string) =>
  `docker events does not work: ${reason}. The end of an agent is noticed some seconds late. A proxy before the Docker socket must allow GET /events`;

const inspectFailed = (error: unknown) =>
  `the program's "inspect" has failed, and is not called again: ${inWords(error, 'it threw no error')}`;
