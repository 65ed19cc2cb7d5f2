import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { SavedWorkspace } from '../../../src/actors/context.ts';
import { saveWork } from '../../../src/actors/save-work.ts';
import type { DockerResult } from '../../../src/docker/cli.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import {
  agent,
  fakeJournal,
  helperPorts,
  input,
  never,
  rejection,
  sameFiles,
} from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';

function stage(
  t: ExecutionContext,
  {
    workspace = { mode: 'clone', path: '/repo', repository: '/repo', from: null },
    keep = 'never',
    reply = { stdout: 'nothing\n' },
    saved = null,
  }: {
    workspace?: AgentPlan['workspace'];
    keep?: AgentPlan['keep'];
    reply?: Partial<DockerResult>;
    saved?: { workspace: SavedWorkspace | null } | null;
  } = {},
) {
  const root = folder(t);
  const clone = join(root, 'workspace');
  mkdirSync(clone);
  const journal = fakeJournal();
  const helper = helperPorts(() => reply);
  const cleared = () => {
    try {
      mkdirSync(clone);
      return true;
    } catch {
      return false;
    }
  };
  const context = {
    ...helper.ports,
    ...sameFiles,
    emit: journal.emit,
    recorder: nullRecorder,
    plan: () => agent({ workspace, keep }),
    folder: () => root,
    clone: () => (workspace.mode === 'clone' ? clone : null),
    originCommit: () => ({ commit: 'b'.repeat(40) }),
    makeClone: async () => null,
    writablePlaces: [],
    gitSetting: async () => null,
    livePlaces: () => [],
    savedWork: () => saved,
    deadlineSignal: () => never,
  };
  return { ...helper, ...journal, context, clone, cleared };
}

test('work is journaled before its clone is removed', async t => {
  const { context, events, cleared } = stage(t);
  await saveWork(context, input, never);
  t.deepEqual(events, [{ type: 'workspace.saved', agent: 'a', attempt: 1, workspace: null, artifacts: [] }]);
  t.true(cleared());
});

test('journaled work is not saved again, but its clone is still removed', async t => {
  const { context, events, created, cleared } = stage(t, { saved: { workspace: null } });
  await saveWork(context, input, never);
  t.deepEqual(events, []);
  t.deepEqual(created(), []);
  t.true(cleared());
});

test('a clone is kept if it holds the work, or if its container is kept', async t => {
  const left = { branch: null, commit: null, diff: null, path: '/left' };
  const holds = stage(t, { saved: { workspace: left } });
  await saveWork(holds.context, input, never);
  t.false(holds.cleared());
  const kept = stage(t, { keep: 'always' });
  await saveWork(kept.context, input, never);
  t.false(kept.cleared());
});

test('an agent without a clone, a copy or artifacts has nothing to save', async t => {
  const { context, events } = stage(t, { workspace: { mode: 'none' } });
  await saveWork(context, input, never);
  t.deepEqual(events, []);
});

test('work that cannot be saved causes a warning with the path of the clone, and the agent does not fail', async t => {
  const { context, messages, clone, cleared } = stage(t);
  const helperImage = async () => {
    throw new Error('no base image');
  };
  await saveWork({ ...context, helperImage }, input, never);
  t.deepEqual(messages(), [`its work could not be saved: no base image. Its clone is in ${clone}`]);
  t.false(cleared());
});

test('an unreachable engine rejects, and nothing is journaled', async t => {
  const { context, events } = stage(t, {
    reply: { stderr: 'Cannot connect to the Docker daemon at unix:///x.' },
  });
  t.is((await rejection(saveWork(context, input, never))).kind, 'unreachable');
  t.deepEqual(events, []);
});
