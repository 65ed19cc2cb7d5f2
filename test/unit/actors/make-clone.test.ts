import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeClone, onHost } from '../../../src/actors/make-clone.ts';
import { fakeJournal, helperPorts, never } from '../_helpers/actor-ports.ts';
import { folder, repository } from '../_helpers/repositories.ts';

const owner = { agent: 'a', attempt: 1 };

function stage(t: ExecutionContext, respond: Parameters<typeof helperPorts>[0]) {
  const root = folder(t);
  const source = repository(join(root, 'source'));
  const target = join(root, 'attempt', 'workspace');
  const helper = helperPorts(respond);
  const journal = fakeJournal();
  const context = {
    ...helper.ports,
    emit: journal.emit,
    gitSetting: async () => null,
    markUsed: () => false,
    writablePlaces: [],
    livePlaces: () => [],
  };
  const request = { repository: source, commit: 'c1', branch: 'b1', target };
  return { ...helper, ...journal, context, request, target, source };
}

test('a helper clones into a temporary directory, which is renamed when it is complete', async t => {
  const { context, request, target, source, created } = stage(t, 'cloned\n');
  t.is(await makeClone(context, owner, request, never), null);
  t.true(existsSync(target));
  t.regex(created()[0]!, /--entrypoint=agent-clone .* c1 b1 /);
  t.true(created()[0]!.includes(`source=${source},target=/host${source},readonly=true`));
  t.regex(created()[0]!, /source=\S+workspace\.making-\d+,target=\/clone/);
});

test('an existing clone is not made again', async t => {
  const { context, request, target, created } = stage(t, 'cloned\n');
  mkdirSync(target, { recursive: true });
  t.is(await makeClone(context, owner, request, never), null);
  t.deepEqual(created(), []);
});

test('a directory without a repository is refused before a container is created', async t => {
  const { context, request, created } = stage(t, 'cloned\n');
  t.is(await makeClone(context, owner, { ...request, repository: folder(t) }, never), 'it has no .git');
  t.deepEqual(created(), []);
});

test('a failed clone leaves no directory, and the reason is that of the helper', async t => {
  const { context, request, target } = stage(t, () => ({ ok: false, stdout: 'failed no such commit\n' }));
  t.is(await makeClone(context, owner, request, never), 'no such commit');
  t.false(existsSync(target));
});

test('remains of an interrupted try are removed first', async t => {
  const { context, request, target } = stage(t, 'cloned\n');
  mkdirSync(`${target}.making-999999/objects`, { recursive: true });
  await makeClone(context, owner, request, never);
  t.deepEqual(readdirSync(join(target, '..')), ['workspace']);
});

test('uncommitted changes and filters that are not run cause warnings', async t => {
  const { context, request, messages } = stage(t, 'dirty\nfilter lfs 2 big.bin\ncloned\n');
  await makeClone(context, owner, request, never);
  t.is(messages().length, 2);
  t.regex(messages()[0]!, /changes that are not committed/);
  t.regex(messages()[1]!, /2 files, such as big\.bin, have the filter lfs/);
});

test('a helper mounts the paths of a repository below /host', t => {
  const repository = { root: '/r', gitDir: '/r/.git', commonDir: '/r/.git' };
  t.true(onHost(repository, []).every(({ source, target }) => target === `/host${source}`));
});
