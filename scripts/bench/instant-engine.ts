import { fromPromise } from 'xstate';
import type { End, EndRecord } from '../../machines/outcome.ts';
import type { AgentActors } from '../../src/actors/provide.ts';
import { systemClock } from '../../src/clock.ts';
import type { Connection } from '../../src/connection/engine-connection.ts';
import type { Docker, DockerAnswer } from '../../src/docker/cli.ts';
import { type EngineInfo, unrestrictedEngine } from '../../src/docker/engine-info.ts';
import { containerName, label } from '../../src/docker/labels.ts';
import { nullRecorder, type Recorder, recorder as recorderOf } from '../../src/docker/recorder.ts';
import type { RunEvent } from '../../src/events.ts';
import type { Redactor } from '../../src/secrets/redact.ts';
import { bufferedSink } from '../../src/store/buffered-sink.ts';
import type { RunEngine } from '../../src/store/run-file.ts';

interface Step {
  readonly name: string;
  readonly attempt: number;
  readonly containerId: string | null;
}

/** A Docker engine in memory. Its actors are done at once, and journal the docker calls that the real ones would make. */
export function instantEngine({ instance, runId }: { readonly instance: string; readonly runId: string }) {
  const info: EngineInfo = {
    ...unrestrictedEngine,
    id: 'bench:/',
    version: '29.0.0',
    hostName: 'bench',
    cpus: 8,
    memory: 2 ** 40,
    rootDir: '/',
    systemTime: null,
    isPodman: false,
  };
  const address = { host: '', env: {} };
  const runEngine: RunEngine = { id: info.id, hostName: info.hostName, address };
  const existing = new Map<string, Step>();
  let recorder: Recorder = nullRecorder;
  let events = 0;

  const labelsOf = ({ name, attempt }: Step) => ({
    [label.instance]: instance,
    [label.runId]: runId,
    [label.agent]: name,
    [label.attempt]: String(attempt),
  });
  const listed = ([id, step]: readonly [string, Step]) =>
    JSON.stringify({
      ID: id,
      State: 'created',
      Names: containerName(runId, step.name, step.attempt),
      Labels: Object.entries(labelsOf(step))
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
    });
  const inspected = (id: string) => {
    const step = existing.get(id);
    if (!step) return [];
    const at = '2026-01-02T12:00:00Z';
    return {
      Id: id,
      Name: `/${containerName(runId, step.name, step.attempt)}`,
      Created: at,
      State: { Status: 'created', ExitCode: 0, OOMKilled: false, StartedAt: at, FinishedAt: at },
      Config: { Labels: labelsOf(step), Image: 'bench' },
      Image: 'sha256:bench',
    };
  };
  const output = ([verb, ...args]: readonly string[]) => {
    if (verb === 'ps') return [...existing].map(listed).join('\n');
    return verb === 'container' ? JSON.stringify(args.flatMap(inspected)) : '';
  };
  const docker: Docker = async (args, { owner = null, changes = false, isPolling = false } = {}) => {
    const call = await recorder.call(args, owner, changes, isPolling);
    const answer = { args, ok: true, exitCode: 0, stderr: '', interrupted: null };
    return call.end<DockerAnswer>({ ...answer, stdout: output(args) });
  };
  const changing = ({ name, attempt }: Step, ...args: string[]) =>
    docker(args, { owner: { agent: name, attempt }, changes: true });
  const actor = <Output>(work: (step: Step) => Promise<Output>) =>
    fromPromise<Output, Step>(({ input }) => work(input));

  const actors = (): AgentActors => ({
    ensureImage: actor(async () => ({ image: 'sha256:bench' })),
    ensureNetwork: actor(async () => {}),
    createContainer: actor(async step => {
      const { name, attempt } = step;
      await changing(step, 'create', `--name=${containerName(runId, name, attempt)}`, 'sha256:bench');
      const containerId = idOf(existing.size + events);
      existing.set(containerId, { name, attempt, containerId });
      return { containerId };
    }),
    startContainer: actor(async step => void (await changing(step, 'start', step.containerId!))),
    waitForTmux: actor<End | null>(async () => null),
    inject: actor(async step => {
      await changing(step, 'exec', '-i', step.containerId!, 'agent-inject');
      return { injectedAt: Date.now() };
    }),
    watch: actor<End | 'overdue'>(async () => ({
      exitCode: 0,
      oomKilled: false,
      reason: 'died',
      at: Date.now(),
    })),
    collect: actor(async () => ({ record: { reason: 'exit', code: 0, oomKills: 0 } satisfies EndRecord })),
    removeContainer: actor(async step => {
      await changing(step, 'rm', '--force', '--volumes', step.containerId!);
      existing.delete(step.containerId!);
    }),
  });

  return {
    runEngine,
    actors,
    events: () => events,
    onEvent: () => void events++,
    connection(redactor: Redactor, past: readonly RunEvent[]): Connection {
      const early = bufferedSink();
      const callsBefore = past.findLast(event => event.type === 'docker.call')?.call ?? 0;
      recorder = recorderOf(early, systemClock.elapsed, callsBefore, redactor.text);
      return { docker, recorder, engine: info, address, early };
    },
  };
}

const idOf = (number: number) => number.toString(16).padStart(64, 'c0ffee');
