import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { clonesOf } from '../../../src/run/clones.ts';
import { parseSpec } from '../../../src/spec/load.ts';
import type { AttemptState } from '../../../src/state/agent-state.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { folder } from '../_helpers/repositories.ts';

const none = { branch: null, commit: null, diff: null, path: null };

async function fixture(t: Parameters<typeof folder>[0]) {
  const base = folder(t);
  mkdirSync(join(base, 'source', '.git'), { recursive: true });
  mkdirSync(join(base, 'plain'));
  const clone = (from?: string) => ({ mode: 'clone', path: 'source', ...(from && { from }) });
  const spec = {
    defaults: { command: ['x'] },
    agents: {
      a: { workspace: clone() },
      b: { workspace: clone('a'), dependsOn: ['a'] },
      c: { workspace: clone('b'), dependsOn: ['b'] },
      bound: { workspace: '.' },
      empty: { workspace: { mode: 'none' } },
    },
  };
  const plan = await parseSpec(JSON.stringify(spec), { path: join(base, 'flow.json'), env: {} });
  const stateDir = openStateDir(join(base, 'state'));
  const saved = new Map<string, Partial<AttemptState>[]>();
  const workspaces = clonesOf({
    plan,
    folder: stateDir.run('r1234567'),
    commits: { [join(base, 'source')]: 'c0' },
    attempts: name => (saved.get(name) ?? []) as AttemptState[],
  });
  return { saved, ...workspaces };
}

test('a clone starts from the commit of its repository or of the previous agent', async t => {
  const { originCommit, saved } = await fixture(t);
  t.deepEqual(originCommit('a'), { commit: 'c0' });
  t.deepEqual(originCommit('c'), { commit: 'c0' }, 'no agent has saved work');
  saved.set('a', [{ workspace: { ...none, commit: 'c1' } }, { workspace: { ...none, commit: 'c2' } }]);
  t.deepEqual(originCommit('b'), { commit: 'c2' }, 'the last attempt counts');
  t.deepEqual(originCommit('c'), { commit: 'c2' });
  saved.set('b', [{ workspace: { ...none, path: '/left' } }]);
  t.deepEqual(originCommit('c'), { problem: 'the work of b is on no branch, but in /left' });
});

test('another round starts from the saved work of the last one, and its work is compared with the origin', async t => {
  const { originCommit, startCommit, saved } = await fixture(t);
  const check = {
    round: 1,
    rounds: 5,
    status: 'failed',
    exitCode: 1,
    reason: 'x',
    ms: 1,
    transcript: null,
  } as const;
  const attempt = (
    number: number,
    commit: string | null,
    more: Partial<AttemptState> = {},
  ): Partial<AttemptState> => ({
    ...{ attempt: number, status: 'succeeded', error: null, check: null },
    workspace: commit === null ? null : { ...none, commit },
    ...more,
  });
  saved.set('a', [
    attempt(1, 'c1', { check }),
    attempt(2, 'c2', { status: 'failed' }),
    attempt(3, null, { check }),
    attempt(4, 'c4', { check: { ...check, status: 'passed' } }),
  ]);
  const from = [1, 2, 3, 4, 5].map(number => startCommit('a', number));
  t.deepEqual(from, [{ commit: 'c0' }, ...Array(4).fill({ commit: 'c1' })]);
  t.deepEqual(originCommit('a'), { commit: 'c0' });
});

test('the correction of an output starts from the saved work of the attempt that wrote it', async t => {
  const { startCommit, originCommit, saved } = await fixture(t);
  const error = { phase: 'running', kind: 'output', message: 'x', correctable: true } as const;
  saved.set('a', [
    { attempt: 1, status: 'failed', error, check: null, isSaved: true, workspace: { ...none, commit: 'c1' } },
    { attempt: 2, status: 'failed', error: null, check: null, workspace: { ...none, commit: 'c2' } },
  ]);
  const from = [1, 2, 3].map(number => startCommit('a', number));
  t.deepEqual(from, [{ commit: 'c0' }, { commit: 'c1' }, { commit: 'c1' }]);
  t.deepEqual(originCommit('a'), { commit: 'c0' });
});

test('a clone is below the directory of its attempt', async t => {
  const { clone } = await fixture(t);
  t.regex(clone('a', 2)!, /runs\/r1234567\/agents\/a\/2\/workspace$/);
  t.is(clone('bound', 1), null);
});
