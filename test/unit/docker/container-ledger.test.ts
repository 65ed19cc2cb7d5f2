import test from 'ava';
import type { DockerResult } from '../../../src/docker/cli.ts';
import { containerLedger } from '../../../src/docker/container-ledger.ts';
import { fakeClient, id } from '../_helpers/actor-ports.ts';

const none = new Set<string>();
const create = ['create', '--', 'image'];
const rm = ['rm', '--force', '--volumes', id];

/** Make these calls, of which each has its result. Returns whether the ledger is settled after each of them. */
async function settledAfter(
  calls: readonly (readonly [readonly string[], Partial<DockerResult>])[],
  kept: ReadonlySet<string> = none,
) {
  const results = calls.map(([, result]) => result);
  const { docker } = fakeClient(() => results.shift());
  const ledger = containerLedger(docker);
  const settled: boolean[] = [];
  for (const [args] of calls) {
    await ledger.docker(args);
    settled.push(ledger.isSettled(kept));
  }
  return settled;
}

test('a container that docker reports as removed leaves nothing', async t => {
  t.deepEqual(
    await settledAfter([
      [['ps'], {}],
      [create, { stdout: `${id}\n` }],
      [['start', id], { stdout: id }],
      [rm, { stdout: `${id}\n` }],
    ]),
    [true, false, false, true],
  );
});

test('a container that is kept is settled', async t => {
  t.deepEqual(await settledAfter([[create, { stdout: id }]], new Set([id])), [true]);
});

test('a removal that docker does not report by its id is not confirmed', async t => {
  for (const result of [{}, { stderr: 'Error: No such container' }, { stdout: id.slice(0, 12) }])
    t.deepEqual(
      await settledAfter([
        [create, { stdout: id }],
        [rm, result],
      ]),
      [false, false],
    );
});

test('a container of another docker is recorded when its removal fails', async t => {
  t.deepEqual(
    await settledAfter([
      [rm, { stderr: 'removal of container is already in progress' }],
      [rm, { stdout: id }],
    ]),
    [false, true],
  );
});

test('a create without a full id is in doubt, whatever is removed later', async t => {
  for (const result of [
    {},
    { stdout: id.slice(0, 32) },
    { ok: false, exitCode: null, interrupted: 'aborted' as const },
    { stderr: 'unexpected EOF' },
  ])
    t.deepEqual(
      await settledAfter([
        [create, result],
        [rm, { stdout: id }],
      ]),
      [false, false],
    );
});

test('the container of a run command is in doubt', async t => {
  t.deepEqual(await settledAfter([[['run', '--rm', 'image'], {}]]), [false]);
});

test('a create that has not ended is in doubt', async t => {
  const { promise, resolve } = Promise.withResolvers<DockerResult>();
  const ledger = containerLedger(() => promise);
  const created = ledger.docker(create);
  t.false(ledger.isSettled(none));
  resolve({ args: create, ok: true, exitCode: 0, stdout: id, stderr: '', interrupted: null });
  await created;
  t.true(ledger.isSettled(new Set([id])));
});

test('a docker that cannot be called leaves its create in doubt', async t => {
  const ledger = containerLedger(() => Promise.reject(new Error('no docker')));
  await t.throwsAsync(ledger.docker(create));
  t.false(ledger.isSettled(none));
});
