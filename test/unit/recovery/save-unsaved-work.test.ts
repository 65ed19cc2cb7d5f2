import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { SavedWorkspace } from '../../../src/actors/context.ts';
import type { Container } from '../../../src/docker/containers.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import type { RunEvent } from '../../../src/events.ts';
import { saveUnsavedWork } from '../../../src/recovery/save-unsaved-work.ts';
import {
  agent,
  fakeContainers,
  fakeJournal,
  helperPorts,
  never,
  sameFiles,
} from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';
import { attemptEnds, enters, started, stateAfter } from '../_helpers/story.ts';

/** An agent `a` with a clone of its first attempt, and with this story. */
function stage(
  t: ExecutionContext,
  story: readonly RunEvent[],
  {
    existing = [],
    saved = null,
  }: { existing?: Partial<Container>[]; saved?: { workspace: SavedWorkspace | null } | null } = {},
) {
  const root = folder(t);
  const clone = join(root, 'a-1');
  mkdirSync(clone);
  const journal = fakeJournal();
  const helper = helperPorts('nothing\n');
  const context = {
    ...helper.ports,
    ...sameFiles,
    containers: fakeContainers(existing).containers,
    emit: journal.emit,
    recorder: nullRecorder,
    plan: () => agent({ workspace: { mode: 'clone', path: '/repo', repository: '/repo', from: null } }),
    folder: () => root,
    clone: (name: string, attempt: number) => join(root, `${name}-${attempt}`),
    originCommit: () => ({ commit: 'b'.repeat(40) }),
    makeClone: async () => null,
    gitSetting: async () => null,
    writablePlaces: [],
    livePlaces: () => [],
    savedWork: () => saved,
    deadlineSignal: () => never,
  };
  const options = {
    state: () => stateAfter(started({ a: [] }), ...story),
    names: ['a'],
    runId: 'r1234567',
    signal: never,
  };
  const save = () => saveUnsavedWork(context, options);
  return { context, options, save, ...journal, hasClone: () => existsSync(clone) };
}

const ran = [
  enters(1, 'a', 'running', { containerId: 'c1' }),
  enters(2, 'a', 'collecting', { containerId: 'c1' }),
  attemptEnds(3, 'a'),
];

test('the work of an attempt that ran is saved', async t => {
  const { save, events } = stage(t, ran);
  await save();
  t.deepEqual(events, [{ type: 'workspace.saved', agent: 'a', attempt: 1, workspace: null, artifacts: [] }]);
});

test('the clone of a container that is kept is left alone', async t => {
  const { save, events, hasClone } = stage(t, ran, { existing: [{ id: 'c1' }] });
  await save();
  t.deepEqual(events, []);
  t.true(hasClone());
});

test('the clone of an attempt that never started is removed without saving it', async t => {
  const { save, events, hasClone } = stage(t, [enters(1, 'a', 'creating')]);
  await save();
  t.deepEqual(events, []);
  t.false(hasClone());
});

test('a clone whose work is in the journal is removed', async t => {
  const { save, events, hasClone } = stage(t, ran, { saved: { workspace: null } });
  await save();
  t.deepEqual(events, []);
  t.false(hasClone());
});

test('a clone that holds the only copy of the work stays', async t => {
  const workspace = { branch: null, commit: null, diff: null, path: '/left' };
  const { save, hasClone } = stage(t, ran, { saved: { workspace } });
  await save();
  t.true(hasClone());
});

test('containers are not listed where no attempt has a clone', async t => {
  const { context, options } = stage(t, [enters(1, 'a', 'running', { attempt: 2 })]);
  const list = () => Promise.reject(new Error('listed'));
  await t.notThrowsAsync(
    saveUnsavedWork({ ...context, containers: { ...context.containers, list } }, options),
  );
});
