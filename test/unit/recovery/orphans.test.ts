import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Container } from '../../../src/docker/containers.ts';
import { classify, findOrphans, isOurs } from '../../../src/recovery/orphans.ts';
import { openJournal } from '../../../src/store/journal.ts';
import { openStateDir, type StateDir } from '../../../src/store/state-directory.ts';
import { fakeContainers } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';
import { runStarted } from '../_helpers/story.ts';

const us = '0123456789abcdef';
const labels = {
  'tmux-agents': 'true',
  'tmux-agents.instance': us,
  'tmux-agents.run-id': 'rabc1234',
  'tmux-agents.agent': 'worker',
  'tmux-agents.attempt': '2',
  'tmux-agents.spec-hash': '0'.repeat(32),
};
const container = (more: Readonly<Record<string, string>> = {}, name = 'tmux-agent-rabc1234-worker-2') =>
  ({ id: 'c0ffee', name, labels: { ...labels, ...more } }) as unknown as Container;

test('a container whose name matches its labels is ours', t => {
  t.like(classify(container(), us), { origin: 'ours', runId: 'rabc1234', agent: 'worker', attempt: 2 });
});

test('a container of another instance is not ours, even with invalid labels', t => {
  t.is(classify(container({ 'tmux-agents.run-id': '../x' }), 'f'.repeat(16)).origin, 'another');
});

test('a proxy without a run is malformed, and the reason names its run', t => {
  const { 'tmux-agents.agent': _, ...rest } = labels;
  const proxy = { ...container(), labels: { ...rest, 'tmux-agents.role': 'proxy' } };
  t.like(classify(proxy, us), { origin: 'malformed', why: 'proxy left behind by run rabc1234' });
});

test('a container without an instance was created by hand', t => {
  const { 'tmux-agents.instance': _, ...rest } = labels;
  t.is(classify({ ...container(), labels: rest }, us).origin, 'by hand');
});

test('an invalid label is named, and no label of its container is used', t => {
  const hostile = [
    '',
    '.',
    '..',
    '../x',
    '/etc',
    'rabc1234/../x',
    'rabc1234\n',
    'RABC1234',
    '\u001b[31m',
    '-x',
    '__proto__',
  ];
  const cases = Object.keys(labels)
    .filter(key => key !== 'tmux-agents' && key !== 'tmux-agents.instance')
    .flatMap(key => hostile.map(value => [key, value] as const));
  for (const [key, value] of cases) {
    const found = classify(container({ [key]: value }), us);
    t.is(found.origin, 'malformed', `${key}=${JSON.stringify(value)}`);
    t.false('runId' in found);
    t.regex('why' in found ? (found.why ?? '') : '', new RegExp(`^${key} is not a valid `));
  }
  for (const attempt of ['0', '00', '1.0', '1e1', ' 1', '+1', '-1', '100'])
    t.is(classify(container({ 'tmux-agents.attempt': attempt }), us).origin, 'malformed', attempt);
  for (const instance of ['', '../x', us.toUpperCase(), `${us}\n`])
    t.is(classify(container({ 'tmux-agents.instance': instance }), us).origin, 'malformed', instance);
});

test('a container whose name does not match its labels is malformed', t => {
  t.is(classify(container({}, 'tmux-agent-rabc1234-worker-1'), us).origin, 'malformed');
  t.is(classify(container({}, 'mine'), us).origin, 'malformed');
});

/** A state directory without runs, and the orphans among these containers. */
function orphansOf(t: ExecutionContext, make: (instance: string) => readonly Container[]) {
  const stateDir = openStateDir(join(folder(t), 'state'));
  const { containers } = fakeContainers([...make(stateDir.instance)]);
  return { stateDir, found: () => findOrphans(containers, stateDir) };
}

/** Write the journal of a run with the agent `worker`. */
async function writeRun(stateDir: StateDir) {
  const run = stateDir.run('rabc1234');
  mkdirSync(run.path, { mode: 0o700 });
  const journal = openJournal(run.journal, () => 1);
  await journal.append(runStarted(run.runId, { worker: [] }));
  journal[Symbol.dispose]();
}

test('a container of a run without a record is an orphan, one of a run with it is not', async t => {
  const { stateDir, found } = orphansOf(t, instance => [container({ 'tmux-agents.instance': instance })]);
  t.like((await found())[0], { origin: 'ours', runId: 'rabc1234' });
  await writeRun(stateDir);
  t.deepEqual(await found(), []);
});

test('a container of an agent that its run does not have is malformed', async t => {
  const { stateDir, found } = orphansOf(t, instance => [
    container(
      { 'tmux-agents.instance': instance, 'tmux-agents.agent': 'other' },
      'tmux-agent-rabc1234-other-2',
    ),
  ]);
  await writeRun(stateDir);
  t.like((await found())[0], { origin: 'malformed', why: 'run rabc1234 has no agent of this name' });
});

test('a proxy of an unfinished run is no orphan, and a helper never is', async t => {
  const { stateDir, found } = orphansOf(t, instance => [
    container({ 'tmux-agents.instance': instance, 'tmux-agents.role': 'proxy' }, 'proxy'),
    container({ 'tmux-agents.instance': instance, 'tmux-agents.role': 'helper' }, 'helper'),
  ]);
  const why = async () => (await found()).map(orphan => ('why' in orphan ? orphan.why : null));
  t.deepEqual(await why(), ['proxy left behind by run rabc1234']);
  await writeRun(stateDir);
  t.deepEqual(await why(), []);
});

test('the instance label decides whether an orphan may be ours, valid or not', t => {
  const stateDir = openStateDir(join(folder(t), 'state'));
  const orphan = (more: Readonly<Record<string, string>>) => classify(container(more), stateDir.instance);
  t.true(isOurs(orphan({ 'tmux-agents.instance': stateDir.instance }), stateDir));
  t.true(isOurs(orphan({ 'tmux-agents.instance': stateDir.instance, 'tmux-agents.agent': '..' }), stateDir));
  t.false(isOurs(orphan({}), stateDir));
});
