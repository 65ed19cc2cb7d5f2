import { setTimeout as delay } from 'node:timers/promises';
import { fromPromise } from 'xstate';
import type { StepInput } from '../../machines/agent-types.ts';
import type { End, EndRecord } from '../../machines/outcome.ts';
import type { AgentActors } from '../../src/actors/provide.ts';
import { containerName } from '../../src/agent-container/names.ts';
import { systemClock } from '../../src/clock.ts';
import type { Connection } from '../../src/connection/connect.ts';
import type { Docker, DockerResult } from '../../src/docker/cli.ts';
import { type EngineInfo, unrestrictedEngine } from '../../src/docker/engine-info.ts';
import { label } from '../../src/docker/labels.ts';
import { nullRecorder, type Recorder, recorder as recorderOf } from '../../src/docker/recorder.ts';
import type { RunEvent } from '../../src/events.ts';
import { specHashOf } from '../../src/run/actor-context.ts';
import type { Redactor } from '../../src/secrets/redact.ts';
import type { FlowPlan } from '../../src/spec/plan.ts';
import { bufferedSink } from '../../src/store/buffered-sink.ts';
import type { RunEngine } from '../../src/store/run-file.ts';

/** The attempt that a container belongs to. */
type AttemptKey = Pick<StepInput, 'name' | 'attempt'>;
type Existing = Map<string, AttemptKey>;

interface RunIds {
  readonly instance: string;
  readonly runId: string;
  readonly plan: FlowPlan;
  /** Let calls take as long as those of a real engine. */
  readonly hasLatency: boolean;
}

/** Milliseconds of docker's calls, and of an agent. */
const latencies: Readonly<Record<string, number>> = {
  create: 60,
  start: 400,
  exec: 100,
  rm: 100,
  agent: 1_000,
};

const engine: EngineInfo = {
  ...unrestrictedEngine,
  id: 'bench:/',
  version: '29.0.0',
  hostName: 'bench',
  cpus: 8,
  memory: 2 ** 40,
  rootDir: '/',
  systemTime: null,
  isPodman: false,
  swarm: null,
};
const address = { host: '', env: {} };
export const runEngine: RunEngine = { id: engine.id, hostName: engine.hostName, address };

/** A Docker engine in memory. Without latency its actors are done at once. They journal the docker calls that the real ones would make. */
export function instantEngine(ids: RunIds) {
  const take = async (what: string) => {
    if (ids.hasLatency && latencies[what]) await delay(latencies[what]);
  };
  const existing: Existing = new Map();
  let recorder: Recorder = nullRecorder;
  const docker: Docker = async (args, { scope = null, isMutation = false, isPolling = false } = {}) => {
    const call = await recorder.call(args, scope, isMutation, isPolling);
    await take(args[0]!);
    const answer = { args, ok: true, exitCode: 0, stderr: '', interrupted: null };
    return call.end<DockerResult>({ ...answer, stdout: outputOf(args, ids, existing) });
  };
  return {
    actors: instantActors(ids.runId, docker, existing, () => take('agent')),
    connection(redactor: Redactor, past: readonly RunEvent[]): Connection {
      const early = bufferedSink();
      const callsBefore = past.findLast(event => event.type === 'docker.call')?.call ?? 0;
      recorder = recorderOf(early, systemClock.elapsed, callsBefore, redactor.text);
      return { hosts: [{ names: [null], docker, recorder, engine, address }], early };
    },
  };
}

function instantActors(
  runId: string,
  docker: Docker,
  existing: Existing,
  work: () => Promise<void>,
): AgentActors {
  let created = 0;
  const changing = ({ name, attempt }: AttemptKey, ...args: string[]) =>
    docker(args, { scope: { agent: name, attempt }, isMutation: true });
  const actor = <Output>(step: (input: StepInput) => Promise<Output>) =>
    fromPromise<Output, StepInput>(({ input }) => step(input));

  return {
    ensureImage: actor(async () => ({ image: 'sha256:bench' })),
    ensureNetwork: actor(async () => {}),
    createContainer: actor(async step => {
      const { name, attempt } = step;
      await changing(step, 'create', `--name=${containerName(runId, name, attempt)}`, 'sha256:bench');
      const containerId = (++created).toString(16).padStart(64, 'c0ffee');
      existing.set(containerId, { name, attempt });
      return { containerId };
    }),
    startContainer: actor<void>(async step => {
      await changing(step, 'start', step.containerId!);
    }),
    waitForTmux: actor<End | null>(async () => null),
    inject: actor(async step => {
      await changing(step, 'exec', '-i', step.containerId!, 'agent-inject');
      return { injectedAt: Date.now() };
    }),
    watch: actor<End | 'overdue'>(async () => {
      await work();
      return { exitCode: 0, oomKilled: false, reason: 'died', at: Date.now() };
    }),
    collect: actor<{ record: EndRecord | null }>(async () => ({
      record: { reason: 'exit', code: 0, oomKills: 0 },
    })),
    removeContainer: actor(async step => {
      await changing(step, 'rm', '--force', '--volumes', step.containerId!);
      existing.delete(step.containerId!);
    }),
  };
}

/** Return what docker prints for `ps` and `container inspect`. */
function outputOf([verb, ...args]: readonly string[], ids: RunIds, existing: Existing): string {
  if (verb === 'ps') return [...existing].map(([id, owner]) => listed(id, owner, ids)).join('\n');
  if (verb !== 'container') return '';
  return JSON.stringify(
    args.flatMap(id => {
      const owner = existing.get(id);
      return owner ? inspected(id, owner, ids) : [];
    }),
  );
}

const listed = (id: string, owner: AttemptKey, ids: RunIds) =>
  JSON.stringify({
    ID: id,
    State: 'running',
    Names: containerName(ids.runId, owner.name, owner.attempt),
    Labels: Object.entries(labelsOf(owner, ids))
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  });

function inspected(id: string, owner: AttemptKey, ids: RunIds) {
  const at = '2026-01-02T12:00:00Z';
  const never = '0001-01-01T00:00:00Z';
  return {
    Id: id,
    Name: `/${containerName(ids.runId, owner.name, owner.attempt)}`,
    Created: at,
    State: { Status: 'running', ExitCode: 0, OOMKilled: false, StartedAt: at, FinishedAt: never },
    Config: { Labels: labelsOf(owner, ids), Image: 'bench' },
    Image: 'sha256:bench',
  };
}

const labelsOf = ({ name, attempt }: AttemptKey, { instance, runId, plan }: RunIds) => ({
  [label.instance]: instance,
  [label.runId]: runId,
  [label.agent]: name,
  [label.attempt]: String(attempt),
  [label.specHash]: specHashOf(plan.agents.find(agent => agent.name === name)!),
});
