import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { FailureKind } from '../../machines/outcome.ts';
import { eventually, isRunning, type Place } from '../engine/flow.ts';
import type { ExpectedOutcome } from './oracles.ts';
import { counted, type Stage, stage } from './scenarios.ts';
import { assertOutcomes, atWork, begin, docker, letFinish, resume, untilGo } from './trial.ts';

/** External changes to networks, and pauses of agents; each has a test body of its own. */
export interface OutsideCell {
  readonly fault: string;
  readonly title: string;
  readonly isRepresentative?: true;
  readonly body: (t: ExecutionContext) => Promise<void>;
}

export const once = { exactly: 1 } as const;
const never = { exactly: 0 } as const;
export const fine: ExpectedOutcome = { status: 'succeeded', exitCode: 0, kind: null, starts: once };
export const refused = (kind: FailureKind, starts: ExpectedOutcome['starts'] = never): ExpectedOutcome => ({
  status: 'failed',
  exitCode: null,
  kind,
  starts,
});

export const worker = (agent: string, { network }: Stage, more: object = {}) => ({
  ...counted(agent),
  network: { name: network },
  ...more,
});
/** Two agents, of which the second depends on the first. */
export const two = (scene: Stage) => ({
  agents: {
    worker: worker(untilGo, scene),
    second: { ...worker('exit 0', scene), ...counted('exit 0', 'starts-2'), dependsOn: ['worker'] },
  },
});
export const both = (second: ExpectedOutcome) => ({
  worker: fine,
  second: { ...second, counter: 'starts-2' },
});
export const errorOf = (here: Place, agent: string) =>
  JSON.parse(readFileSync(join(here.stateDir, 'runs', here.runId()!, 'result.json'), 'utf8')).agents[agent]
    .error.message;

async function withoutNetwork({ here, network }: Stage, id: string) {
  await docker('network', 'disconnect', network, id);
  await docker('network', 'rm', network);
  letFinish(here);
}

const networks: readonly OutsideCell[] = [
  {
    fault: 'networks',
    title: 'a network that is removed between two agents is named in the error of the second one',
    async body(t) {
      const scene = stage(t);
      const run = begin(t, scene, two(scene));
      await withoutNetwork(scene, await atWork(scene.here));
      t.is((await run.end).exitCode, 3);
      t.regex(errorOf(scene.here, 'second'), new RegExp(`network ${scene.network} not found`));
      await assertOutcomes(t, scene.here, both(refused('network')));
    },
  },
  {
    fault: 'networks',
    title: 'a network that is removed while no supervisor runs is created again',
    async body(t) {
      const scene = stage(t);
      const run = begin(t, scene, two(scene));
      const id = await atWork(scene.here);
      await run.kill();
      await withoutNetwork(scene, id);
      const { exitCode, stderr } = await resume(scene);
      t.is(exitCode, 0, stderr);
      await assertOutcomes(t, scene.here, both(fine));
    },
  },
  {
    fault: 'networks',
    title: 'a network that is removed between create and start is named in the error, and nothing starts',
    async body(t) {
      const remove = `"$real" network rm "$("$real" inspect --format='{{.HostConfig.NetworkMode}}' "$2")" >/dev/null`;
      const scene = stage(t, { start: remove });
      const run = begin(t, scene, { agents: { worker: worker('exit 0', scene, { retries: 1 }) } });
      t.is((await run.end).exitCode, 3);
      t.regex(errorOf(scene.here, 'worker'), new RegExp(`network ${scene.network} not found`));
      await assertOutcomes(t, scene.here, { worker: refused('network') });
    },
  },
];

const pauses: readonly OutsideCell[] = [
  {
    fault: 'paused',
    title: 'an agent that is paused while no supervisor runs is awaited by the next one',
    async body(t) {
      const scene = stage(t);
      const { here } = scene;
      const run = begin(t, scene, { agents: { worker: worker(untilGo, scene) } });
      const id = await atWork(here);
      await run.kill();
      await docker('pause', id);
      letFinish(here);
      const before = here.journal().length;
      const resumed = resume(scene);
      const later = { ...here, journal: () => here.journal().slice(before) };
      await eventually(isRunning(later, 'worker'), 'a paused agent that counts as running');
      await docker('unpause', id);
      const { exitCode, stderr } = await resumed;
      t.is(exitCode, 0, stderr);
      await assertOutcomes(t, here, { worker: fine });
    },
  },
  {
    fault: 'paused',
    title: 'a run with a paused agent can be cancelled without leftovers',
    isRepresentative: true,
    async body(t) {
      const scene = stage(t);
      const run = begin(t, scene, { agents: { worker: worker(untilGo, scene) } });
      await docker('pause', await atWork(scene.here));
      const { exitCode, stderr } = await run.kill('SIGINT');
      t.is(exitCode, 130, stderr);
      await assertOutcomes(t, scene.here, {
        worker: { status: 'cancelled', exitCode: null, kind: null, starts: once },
      });
    },
  },
];

export const cells: readonly OutsideCell[] = [...networks, ...pauses];
