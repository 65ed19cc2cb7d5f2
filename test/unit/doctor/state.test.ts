import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkLeftovers, checkState } from '../../../src/doctor/state.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';

test('a state directory that others can read causes a warning, and a missing one is not created', async t => {
  const path = folder(t);
  t.like(await checkState(join(path, 'none', 'at', 'all')), { status: 'ok', hint: null });
  t.false(existsSync(join(path, 'none')));
  const open = join(path, 'open');
  mkdirSync(open, { mode: 0o755 });
  t.like(await checkState(open), { status: 'warn', hint: `chmod 700 '${open}'` });
  chmodSync(open, 0o700);
  t.like(await checkState(open), { status: 'ok', found: open });
  writeFileSync(join(path, 'file'), '');
  t.like(await checkState(join(path, 'file')), { status: 'fail' });
});

test('a state directory that others can write to fails', async t => {
  const path = join(folder(t), 'state');
  mkdirSync(path);
  chmodSync(path, 0o777);
  const { status, found, hint } = await checkState(path);
  t.is(status, 'fail');
  t.regex(found, /is not safe to use: others can write to it \(mode 777\)/);
  t.regex(hint!, /chmod 700/);
});

/** A container as `docker inspect` prints it. */
const container = (id: string, labels: object, name = id) => ({
  Id: id,
  Name: `/${name}`,
  Created: '2026-01-01T00:00:00Z',
  State: {
    Status: 'running',
    ExitCode: 0,
    StartedAt: '2026-01-01T00:00:00Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  },
  Config: { Labels: labels, Image: 'i' },
  Image: 'sha256:1',
});

function leftovers(t: ExecutionContext, ids: readonly string[]) {
  const path = join(folder(t), 'state');
  const { instance } = openStateDir(path);
  const labels = { 'tmux-agents.instance': instance, 'tmux-agents.run-id': 'r1234567' };
  const { docker, calls } = fakeClient(args => {
    if (args[0] === 'ps')
      return { stdout: ids.map(ID => `${JSON.stringify({ ID, State: 'running', Names: ID })}\n`).join('') };
    return { stdout: JSON.stringify(ids.map(id => container(id, labels))) };
  });
  return { finding: checkLeftovers(docker, path), calls, instance };
}

test('containers without a supervisor are leftovers, of which three are named', async t => {
  const { finding, calls, instance } = leftovers(t, ['a', 'b', 'c', 'd', 'e']);
  t.like(await finding, {
    status: 'warn',
    found: 'no supervisor runs a (running), b (running), c (running) and 2 more',
  });
  t.true(calls[0]!.includes(`--filter=label=tmux-agents.instance=${instance}`));
});

test('no containers are no leftovers', async t => {
  t.like(await leftovers(t, []).finding, { status: 'ok', found: 'none' });
});

test('a state directory that does not exist, or that others can write to, is not opened', async t => {
  const { docker, calls } = fakeClient();
  const missing = join(folder(t), 'state');
  t.like(await checkLeftovers(docker, missing), { status: 'ok', found: 'none' });
  t.false(existsSync(missing));
  openStateDir(missing);
  chmodSync(missing, 0o777);
  t.like(await checkLeftovers(docker, missing), { status: 'ok', found: 'none' });
  t.deepEqual(calls, []);
});

test('a list of containers that fails causes a warning', async t => {
  const path = join(folder(t), 'state');
  openStateDir(path);
  const { docker } = fakeClient(() => ({ stderr: 'Cannot connect to the Docker daemon' }));
  t.like(await checkLeftovers(docker, path), { status: 'warn', found: 'could not list containers' });
});
