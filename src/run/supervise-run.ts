import { hostname } from 'node:os';
import type { InspectionEvent } from 'xstate';
import type { AgentActors } from '../actors/provide.ts';
import { isRunsOwn } from '../agent-container/names.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Connection } from '../connection/engine-connection.ts';
import { containers as containersOf } from '../docker/containers.ts';
import { engineInfo } from '../docker/engine-info.ts';
import { watchContainers } from '../docker/watch.ts';
import { EngineError, type FlowError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import { version } from '../package.ts';
import { engineWarnings } from '../preflight/engine-warnings.ts';
import { maxConcurrency, startsAtOnce } from '../preflight/limits.ts';
import { type AgentRecord, applyEvent, emptyRecord, isFresh } from '../recovery/record.ts';
import { saveUnsavedWork } from '../recovery/save-unsaved-work.ts';
import type { Vault } from '../secrets/vault.ts';
import { type FlowState, initialFlowState, ofAgent, reduce } from '../state/flow-state.ts';
import { exitCodeOf, resultOf } from '../state/result.ts';
import { openJournal } from '../store/journal.ts';
import { type Lock, lockHolder, watchLock } from '../store/lock.ts';
import { nameOf } from '../store/lock-holder.ts';
import { watchRequests } from '../store/requests.ts';
import type { RunFile } from '../store/run-file.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';
import { statFile } from '../store/state-files.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import { followOutput } from '../transcript/follow-output.ts';
import { createActorContext } from './actor-context.ts';
import { guarded, inWords } from './callbacks.ts';
import { drive } from './drive.ts';
import { adaptiveLimiter } from './limiter.ts';
import { shutdownDeadline } from './shutdown-deadline.ts';
import { sweep } from './sweep.ts';

export interface RunOptions {
  readonly stateDir: StateDir;
  /** Where secrets are looked up. Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** Told, of a run that is taken up again, what its journal holds already. */
  readonly onPast?: (events: readonly RunEvent[]) => void;
  /** Told every event of the journal from now on, in order. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Told every line of every agent; who passes it costs a docker process an agent. */
  readonly onOutput?: (agent: string, line: string) => void;
  /** Told what XState's inspection tells of the flow's machine and of every agent's. If it fails, that is a warning. */
  readonly inspect?: (event: InspectionEvent) => unknown;
  /** In place of those that act on Docker. */
  readonly actors?: AgentActors;
  /** Takes the run over from an engine process of which nobody here can know whether it lives. */
  readonly force?: boolean;
  /** Does nothing but stop this agent, or with null the whole run: as if that had been asked for long ago. */
  readonly stop?: string | null;
  /** Goes on, on the engine that docker reaches now: the one the run began on is gone for good, and its containers with it. */
  readonly isNewEngine?: boolean;
}

export interface Run {
  readonly folder: RunFolder;
  /** How it came out; never rejects for an agent's failure. */
  readonly done: Promise<RunEnd>;
  /** Stops and removes every agent; resolves with `done`. */
  cancel(reason: string): void;
  /** Removes every container at once. */
  kill(): void;
  /** Does nothing more: what lives in Docker lives on, and anybody may take the run up again once this resolves. */
  detach(): Promise<void>;
}

export interface RunEnd {
  /** 0 of a run that was let go. */
  readonly exitCode: number;
  /** Nothing that was to be removed may be left. */
  readonly isClean: boolean;
  /** Has no end where the run was let go before it had one. */
  readonly state: FlowState;
}

/** A run that is ours to drive. */
export interface RunContext extends RunFile {
  readonly folder: RunFolder;
  readonly vault: Vault;
  readonly lock: Lock;
  /** What its journal tells so far; of a fresh run nothing. */
  readonly past: readonly RunEvent[];
  /** What a person should know before the agents begin. */
  readonly warnings?: readonly string[];
}

/** Drives a run to its end, from wherever it stands. */
export async function superviseRun(
  { plan, secret, vault, adopted, commits, folder, lock, past, warnings = [] }: RunContext,
  { docker, recorder, early, engine }: Connection,
  options: RunOptions,
): Promise<Run> {
  const { stateDir, clock = systemClock, onPast, onEvent, onOutput, inspect, actors, stop } = options;
  const journal = openJournal(folder.journal, clock.now, nextSeq(past), vault.redactor.deep);
  const records = new Map<string, AgentRecord>(plan.agents.map(({ name }) => [name, emptyRecord]));
  const hurried = shutdownDeadline(plan.agents.map(({ name }) => name));
  let state = initialFlowState;
  const note = (event: RunEvent) => {
    state = reduce(state, event);
    hurried.note(event);
    for (const [name, record] of records) records.set(name, applyEvent(record, name, event));
  };
  for (const event of past) note(event);
  onPast?.(past);
  // Those that live come first, or one that is new could take their place.
  const agents = plan.agents
    .filter(({ name }) => (stop ?? name) === name)
    .map(agent => (typeof stop === 'string' ? { ...agent, dependsOn: [] } : agent))
    .toSorted((a, b) => untouched(records, a.name) - untouched(records, b.name));
  /** null: let go of by whoever drives it. */
  const halted = Promise.withResolvers<FlowError | null>();
  journal.subscribe(event => {
    note(event);
    onEvent?.(event);
    // By this event alone: what the past tells of others may be out of date.
    const waits = event.type === 'agent.state' && event.state === 'waitingForSecrets';
    const lacks = waits ? lackedByAll(state) : null;
    if (lacks !== null) halted.resolve(lacking(folder, lacks));
  });

  const containers = containersOf(docker);
  const ending = new AbortController();
  const concurrency = plan.concurrency ?? maxConcurrency(plan, engine);
  const first = journal.append({
    type: 'run.started',
    runId: folder.runId,
    name: plan.name,
    version,
    pid: process.pid,
    host: hostname(),
    concurrency,
    agents: plan.agents.map(({ name, dependsOn, retries }) => ({ name, dependsOn: [...dependsOn], retries })),
  });
  await first.catch(error => {
    journal[Symbol.dispose]();
    throw error;
  });
  early.attach(journal);
  const warn = (message: string) => void journal.append({ type: 'warning', agent: null, message });
  const known = new Set(state.warnings.map(({ message }) => message));
  for (const message of [...warnings, ...engineWarnings(engine, process.env)])
    if (!known.has(message)) warn(message);
  const reason = 'asked to stop';
  if (stop === null) await journal.append({ type: 'run.cancel', reason });
  if (typeof stop === 'string') await journal.append({ type: 'agent.cancel', agent: stop, reason });
  const watcher = watchContainers({
    containers,
    recorder,
    runId: folder.runId,
    signal: ending.signal,
    now: clock.now,
    engineTime: engine.systemTime,
    sleep: clock.sleep,
    async confirmEngine() {
      const answering = await engineInfo(docker);
      if (answering.id === engine.id) return;
      const problem = replaced(folder, engine.id, answering.id);
      halted.resolve(problem);
      throw problem;
    },
    onUnreachable: message => void journal.append({ type: 'engine.unreachable', message }),
    onReachable: () => void journal.append({ type: 'engine.reachable' }),
    onEventsRefused: reason => warn(eventsRefused(reason)),
    onEventsRestored: () => warn('Docker sends its events again'),
    onStarted: (containerId, startedAt) =>
      void journal.append({ type: 'container.started', containerId, startedAt }),
  });
  const halt = (error: Error) => halted.resolve(unwritable(folder, error));
  void journal.broken.then(halt);
  const world = createActorContext({
    plan,
    stateDir,
    folder,
    secret,
    adopted,
    docker,
    containers,
    recorder,
    watcher,
    engine,
    limiter: adaptiveLimiter({
      most: startsAtOnce(engine),
      now: clock.elapsed,
      onChange: (atOnce, reason) => void journal.append({ type: 'engine.throttled', atOnce, reason }),
    }),
    vault,
    clock,
    record: name => records.get(name) ?? emptyRecord,
    attempts: name => ofAgent(state, name)?.attempts ?? [],
    commits,
    deadlineSignal: hurried.of,
    emit: event => journal.append(event),
    halt,
    signal: ending.signal,
  });

  const following =
    onOutput &&
    followOutput(journal, {
      recorder,
      onOutput,
      redactor: vault.redactor,
      canRedact: async ({ agent, ...event }, stop) =>
        (await world.seals.unseal({ ...event, name: agent }, stop)) === null,
      nonce: (agent, attempt) => world.identity(agent, attempt).nonce,
      signal: ending.signal,
    });

  const cameOut = new Set(plan.agents.map(({ name }) => name).filter(name => records.get(name)!.ended));
  const inspected = inspect && guarded(inspect, error => warn(inspectFailed(error)));
  const flow = drive(agents, concurrency, { world, journal, inspect: inspected, actors, over: cameOut });
  const requests = watchRequests(folder.requests, ({ stop }) =>
    stop === null ? flow.cancel(reason) : flow.cancelAgent(stop, reason),
  );

  const lockWatch = watchLock(lock, () => halted.resolve(takenAway(folder)));

  const closeWatcher = () => {
    ending.abort();
    return watcher.closed;
  };
  const finish = async (): Promise<RunEnd> => {
    // Should a machine break, which none is meant to, what it made is removed all the same.
    const over = flow.over.then(
      () => null,
      (error: unknown) => ({ error }),
    );
    const broken = await Promise.race([halted.promise.then(why => ({ halted: why })), over]);
    // What cannot be written down is not done: that way the run can be taken up again.
    if (broken && 'halted' in broken) {
      flow.halt();
      await closeWatcher();
      if (broken.halted) throw broken.halted;
      return { exitCode: 0, isClean: true, state };
    }
    // One agent was to be stopped, and there are others.
    if (!broken && Object.values(state.agents).some(({ status }) => status === null)) {
      await closeWatcher();
      return { exitCode: 0, isClean: true, state };
    }
    const kept = new Set(
      plan.agents.filter(({ keep }) => keep !== 'never').flatMap(({ name }) => containersIn(state, name)),
    );
    hurried.end();
    await saveUnsavedWork(world, {
      state: () => state,
      names: plan.agents.map(({ name }) => name),
      runId: folder.runId,
      signal: ending.signal,
    }).catch((error: Error) =>
      journal.append({
        type: 'warning',
        agent: null,
        message: `could not look after the clones in ${folder.path}: ${error.message}`,
      }),
    );
    const wasCutOff = await world.networks.close();
    const hasNetworks = plan.agents.some(({ network }) => isRunsOwn(network, folder.runId));
    const left = await sweep(docker, {
      instance: stateDir.instance,
      runId: folder.runId,
      kept,
      hasNetworks,
      isUncertain: hasNetworks && (wasCutOff || past.length > 0),
      sleep: ms => clock.sleep(ms, new AbortController().signal),
    }).catch(() => null);
    const isClean = left?.length === 0;
    if (!isClean) {
      const what = left === null ? 'what this run made' : left.map(id => id.slice(0, 12)).join(', ');
      const message = `could not make sure that ${what} is removed: agent-flow cleanup does it later`;
      warn(message);
    }
    await Promise.race([following?.ended(), clock.sleep(lastWordsMs, ending.signal)]);
    await closeWatcher();
    if (broken) throw broken.error;
    const exitCode = isClean ? exitCodeOf(state) : 3;
    try {
      const end = { type: 'run.ended', status: resultOf(state).status, exitCode } as const;
      // In this order: of a run that is over, the result is there.
      const ended = reduce(state, { v: 1, seq: 0, at: clock.now(), ...end });
      writeFileAtomic(folder.result, `${JSON.stringify(resultOf(ended), null, 2)}\n`);
      await journal.append(end);
    } catch (error) {
      throw new EngineError(
        `${folder.path} cannot be written: ${(error as Error).message}. Its agents are over; only how it ended is not written down: agent-flow resume ${folder.runId} does that`,
        { cause: error },
      );
    }
    return { exitCode, isClean, state };
  };
  const done = finish().finally(() => {
    ending.abort();
    requests[Symbol.dispose]();
    lockWatch[Symbol.dispose]();
    journal[Symbol.dispose]();
    lock[Symbol.dispose]();
  });

  const detach = async () => {
    halted.resolve(null);
    // Whoever awaits `done` hears of a failure there.
    await done.catch(() => {});
  };
  return { folder, done, cancel: flow.cancel, kill: flow.kill, detach };
}

/** How long the run waits, at its end, for the last of what its agents have printed. */
const lastWordsMs = 2_000;

const containersIn = (state: FlowState, agent: string) =>
  (state.agents[agent]?.attempts ?? []).flatMap(({ containerId }) =>
    containerId === null ? [] : [containerId],
  );

const unwritable = (folder: RunFolder, error: Error) =>
  new EngineError(
    `${folder.path} cannot be written: ${error.message}. Its agents live on. Mend that, then: agent-flow resume ${folder.runId}`,
    { cause: error },
  );

function takenAway({ path, runId, lock }: RunFolder): EngineError {
  if (statFile(path) === undefined)
    return new EngineError(
      `${path} was removed while its agents run. They live on, and nothing remembers them: agent-flow cleanup --all --dry-run lists them`,
    );
  const holder = lockHolder(lock);
  return new EngineError(
    holder === null
      ? `the lock of ${runId} was removed. Its agents live on: agent-flow resume ${runId}`
      : `${runId} was taken over by ${nameOf(holder)}. Its agents live on`,
  );
}

const replaced = ({ runId }: RunFolder, expected: string, answering: string) =>
  new EngineError(
    `run ${runId} is on the Docker engine ${expected}, and now ${answering} answers in its place. Its agents live on where they are. Start that engine again, then: agent-flow resume ${runId}`,
  );

/** What this environment lacks, where no agent can do anything but wait for it. */
function lackedByAll({ agents }: FlowState): string | null {
  const left = Object.values(agents).filter(({ status }) => status === null);
  const lacking = left.filter(({ state }) => state === 'waitingForSecrets');
  const mayGoOn = left.some(({ state }) => state !== 'waitingForSecrets' && state !== 'waiting');
  return mayGoOn ? null : (lacking[0]?.cause ?? null);
}

const eventsRefused = (reason: string) =>
  `docker events does not work: ${reason}. The end of an agent is noticed some seconds late. A proxy before the Docker socket must allow GET /events`;

const inspectFailed = (error: unknown) =>
  `the program’s "inspect" has failed, and is not called again: ${inWords(error, 'it threw no error')}`;

const lacking = ({ runId }: RunFolder, what: string) =>
  new EngineError(`${runId} cannot go on: ${what}. Nothing is lost; then: agent-flow resume ${runId}`);

const nextSeq = (past: readonly RunEvent[]) => Math.max(0, ...past.slice(-1).map(({ seq }) => seq)) + 1;

const untouched = (records: ReadonlyMap<string, AgentRecord>, name: string) =>
  Number(isFresh(records.get(name)!));
