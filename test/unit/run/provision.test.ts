import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { DockerPort } from '../../../src/actors/context.ts';
import { provision } from '../../../src/run/provision.ts';
import { vaultOf } from '../../../src/secrets/vault.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { engine, fakeClient, never } from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';

/** Provisions these agents on an engine that has every image, each with our commands. */
function desk(t: ExecutionContext, agents: readonly Partial<AgentPlan>[]) {
  const stateDir = openStateDir(join(folder(t), 'state'));
  const plans = agents.map((agent, index) => ({ ...defaultPlan, name: 'abc'[index]!, ...agent }));
  const { docker, calls } = fakeClient(args =>
    args[0] === 'image'
      ? {
          stdout: JSON.stringify([
            { Id: `sha256:${args.at(-1)}`, Config: { Labels: { 'tmux-agents.protocol': '2' } } },
          ]),
        }
      : undefined,
  );
  const plan = { name: 'f', concurrency: null, agents: plans };
  const port = provision({
    host: { title: null, plan, exposed: [] },
    run: {
      plan,
      stateDir,
      folder: stateDir.run('r1234567'),
      secret: 's1',
    },
    port: { docker, engine } as unknown as DockerPort,
    agents: { plan: name => plans.find(plan => plan.name === name)!, placeholder: () => '' },
    vault: vaultOf(plan, {}),
    swarmNetworks: null,
    isDryRun: false,
    signal: never,
  });
  return { ...port, calls };
}

test('agents of one image share its lookup, also concurrently', async t => {
  const { image, calls } = desk(t, [{ image: 'mine' }, { image: 'mine' }, { image: 'other' }]);
  const ids = await Promise.all(['a', 'b', 'c'].map(name => image(name, never)));
  t.deepEqual(ids, ['sha256:mine', 'sha256:mine', 'sha256:other']);
  t.deepEqual(calls.toSorted(), ['image inspect -- mine', 'image inspect -- other']);
});

test('helper containers run in the base image, whatever image the agents have', async t => {
  const { helperImage, calls } = desk(t, [{ image: 'mine' }]);
  t.is(await helperImage(never), 'sha256:tmux-agents-base:latest');
  t.is(await helperImage(never), 'sha256:tmux-agents-base:latest');
  t.is(calls.length, 1);
});

test('a caller that aborts does not stop the lookup for the others', async t => {
  const { image } = desk(t, [{ image: 'mine' }, { image: 'mine' }]);
  const stop = new AbortController();
  const [aborted, other] = [image('a', stop.signal), image('b', never)];
  stop.abort(new Error('enough'));
  await t.throwsAsync(aborted, { message: 'enough' });
  t.is(await other, 'sha256:mine');
});

test('an agent without a network of its own has no networks to close', async t => {
  const { networks } = desk(t, [{ network: { mode: 'none' } }]);
  await networks.ensure('a', never);
  t.deepEqual(networks.blocked('a', 1), []);
  t.false(await networks.close());
});
