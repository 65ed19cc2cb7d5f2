import test from 'ava';
import type { StepError } from '../../../machines/step-error.ts';
import { createOwned, ensureOwned, findOwned, notOurs } from '../../../src/agent-container/ensure-owned.ts';

interface Found {
  readonly id: string;
  readonly isOurs: boolean;
}

/** A resource that is found like this, look by look; `created` is what its creation returns. */
function resource(looks: readonly (Found | null)[], created: string | null = 'new') {
  const calls: string[] = [];
  let look = 0;
  return {
    calls,
    ...{ type: 'container' as const, name: 'n' },
    async find() {
      calls.push('find');
      return looks[look++] ?? null;
    },
    async create() {
      calls.push('create');
      return created;
    },
    refusal: (found: Found) => (found.isOurs ? null : notOurs('container', 'n', found)),
  };
}

const ours = { id: 'ours', isOurs: true };
const theirs = { id: 'c0ffee00c0ffee00', isOurs: false };

test('a resource is created without a look where that is asked for', async t => {
  const owned = resource([]);
  t.is(await ensureOwned(owned, { findFirst: false }), 'new');
  t.deepEqual(owned.calls, ['create']);
});

test('a resource whose name is taken is found by it', async t => {
  const owned = resource([ours], null);
  t.is(await ensureOwned(owned, { findFirst: false }), 'ours');
  t.deepEqual(owned.calls, ['create', 'find']);
});

test('a resource that exists is not created again', async t => {
  const owned = resource([ours]);
  t.is(await ensureOwned(owned, { findFirst: true }), 'ours');
  t.deepEqual(owned.calls, ['find']);
});

for (const findFirst of [true, false])
  test(`a name that is held by something not ours is refused, looked up ${findFirst ? 'before' : 'after'} the create`, async t => {
    const owned = resource([theirs], null);
    const error = (await t.throwsAsync(ensureOwned(owned, { findFirst }))) as StepError;
    t.is(error.kind, 'nameConflict');
    t.is(
      error.message,
      'the name n is held by container c0ffee00c0ff, which is not ours. Rename or remove that one',
    );
    t.is(owned.calls.includes('create'), !findFirst);
  });

test('a name that was taken and is free again is a transient failure', async t => {
  const error = (await t.throwsAsync(ensureOwned(resource([], null), { findFirst: false }))) as StepError;
  t.is(error.kind, 'transient');
});

test('findOwned returns what is ours, or null', async t => {
  t.is(await findOwned(resource([ours])), ours);
  t.is(await findOwned(resource([])), null);
  await t.throwsAsync(findOwned(resource([theirs])), { name: 'StepError' });
});

test('createOwned fails transiently, in doubt, where the name is taken', async t => {
  t.is(await createOwned(resource([])), 'new');
  const error = (await t.throwsAsync(createOwned(resource([], null)))) as StepError;
  t.like(error, { kind: 'transient', inDoubt: true });
});
