import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { planCleanup } from '../../../src/commands/cleanup/plan.ts';
import { combined, removeAll } from '../../../src/commands/cleanup/remove.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';

const request = { all: false, force: false, network: false, images: false, runsOlderThan: null };
const runId = 'r0000001';

/** A state directory, and a Swarm of a manager with an overlay network of a run and a worker with a container on it. */
function swarmWith(t: ExecutionContext) {
  const state = openStateDir(join(folder(t), 'state'));
  const labels = { 'tmux-agents.instance': state.instance, 'tmux-agents.run-id': runId };
  const overlay = {
    ...{ Id: 'n1', Name: `tmux-agents-${runId}`, Driver: 'overlay', Scope: 'swarm' },
    ...{ Internal: false, Attachable: true, Labels: labels },
  };
  const order: string[] = [];
  let hasContainer = true;
  const engine = (name: string, isManager: boolean) => {
    const { docker, calls } = fakeClient(args => {
      const [noun, verb] = args;
      if (verb === 'rm' || noun === 'rm') order.push(`${name} ${args[0]} ${args.at(-1)}`);
      if (noun === 'rm') hasContainer = false;
      if (noun === 'network' && verb === 'ls')
        return { stdout: args.includes('--filter=driver=overlay') ? 'n1' : '' };
      if (noun === 'network' && verb === 'inspect') return { stdout: JSON.stringify([overlay]) };
      if (noun === 'ps' && !isManager && hasContainer)
        return { stdout: JSON.stringify({ ID: 'c1', State: 'exited', Names: 'kept', Labels: '' }) };
      if (noun === 'container')
        return { stdout: JSON.stringify(isManager || !hasContainer ? [] : [container(labels)]) };
      return undefined;
    });
    return { connection: { docker, engine: { swarm: { nodeId: name, isManager } } } as never, calls };
  };
  return { state, order, manager: engine('manager', true), worker: engine('worker', false) };
}

const container = (Labels: object) => ({
  ...{ Id: 'c1', Name: '/kept', Created: '2026-01-02T12:00:00Z', Image: 'sha256:1' },
  State: {
    ...{ Status: 'exited', ExitCode: 0 },
    ...{ StartedAt: '2026-01-02T12:00:01Z', FinishedAt: '2026-01-02T12:00:02Z' },
  },
  Config: { Image: 'a', Labels },
  NetworkSettings: { Networks: {} },
});

test('a network of a Swarm is removed by the manager, after the containers on all nodes', async t => {
  for (const isManagerFirst of [true, false]) {
    const { state, order, manager, worker } = swarmWith(t);
    const found = [manager.connection, worker.connection];
    const current = isManagerFirst ? worker.connection : manager.connection;
    const plans = await planCleanup({ found, current, missing: [] }, state, request);
    const results = await removeAll(plans, state);
    t.deepEqual(order, ['worker rm c1', 'manager network n1']);
    t.deepEqual(combined(results.map(({ done }) => done)).networks, [`tmux-agents-${runId}`]);
    t.deepEqual(
      results.flatMap(({ failures }) => failures),
      [],
    );
    t.false(worker.calls.some(call => call.includes('driver=overlay')));
  }
});

test('a network that two managers of a Swarm list is removed once', async t => {
  const { state, manager } = swarmWith(t);
  const other = { ...(manager.connection as object) } as never;
  const found = [manager.connection, other];
  const plans = await planCleanup({ found, current: other, missing: [] }, state, request);
  t.deepEqual(
    plans.map(({ plan }) => plan.networks.length),
    [1, 0],
  );
});

test('a network of a Swarm stays as long as a node of its run cannot be reached', async t => {
  const { state, manager } = swarmWith(t);
  const missing = [{ runs: [runId], why: 'no engine responds' }];
  const engines = { found: [manager.connection], current: manager.connection, missing };
  const [planned] = await planCleanup(engines, state, request);
  t.deepEqual(planned!.plan.networks, []);
});
