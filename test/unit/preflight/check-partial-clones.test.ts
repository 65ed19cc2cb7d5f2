import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FlowError } from '../../../src/errors.ts';
import { checkPartialClones } from '../../../src/preflight/check-partial-clones.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { engine, fakeClient, id } from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder, repository, run } from '../_helpers/repositories.ts';

function desk(t: Parameters<typeof folder>[0], output: string) {
  const path = folder(t);
  const root = join(path, 'repo');
  const commit = repository(root);
  run(root, 'gc', '--quiet');
  const { docker, calls } = fakeClient(([verb]) => {
    if (verb === 'image')
      return {
        stdout: JSON.stringify([{ Id: 'sha256:1', Config: { Labels: { 'tmux-agents.protocol': '2' } } }]),
      };
    if (verb === 'container') return { stderr: `Error: No such container: ${id}` };
    if (verb === 'create') return { stdout: `${id}\n` };
    return verb === 'start' ? { stdout: output } : undefined;
  });
  const plan = {
    name: 'f',
    concurrency: null,
    agents: [
      {
        ...defaultPlan,
        name: 'a',
        workspace: { mode: 'clone', path: root, repository: root, from: null } as const,
      },
    ],
  };
  const stateDir = openStateDir(join(path, 'state'));
  const check = () =>
    checkPartialClones(
      plan,
      { [root]: commit },
      { docker, engine, address: { host: '', env: {} }, stateDir },
    );
  /** Mark the repository as git marks the packs of a partial clone. */
  const makePartial = () => writeFileSync(join(root, '.git', 'objects', 'pack', 'pack-x.promisor'), '');
  return { check, makePartial, calls, root };
}

test('a complete repository is not looked through by a container', async t => {
  const { check, calls } = desk(t, '');
  await check();
  t.deepEqual(calls, []);
});

test('a partial clone with all objects passes', async t => {
  const { check, makePartial, calls } = desk(t, '');
  makePartial();
  await check();
  t.true(calls.some(call => call.startsWith('create ')));
});

test('a partial clone that lacks objects is refused with the agent and its repository', async t => {
  const { check, makePartial, root } = desk(t, 'failed objects are missing\n');
  makePartial();
  const error = await t.throwsAsync(check(), { instanceOf: FlowError });
  t.true(error!.message.startsWith(`agents.a.workspace: ${root} cannot be cloned: `), error!.message);
});
