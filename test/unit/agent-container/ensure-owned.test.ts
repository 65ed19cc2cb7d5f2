import test from 'ava';
import type { StepError } from '../../../machines/step-error.ts';
import { createOwned, ensureOwned, findOwned, notOurs } from '../../../src/agent-container/ensure-owned.ts';

interface Found {
  readonly id: string;
  readonly isOurs: boolean;
}

/** A resource whose lookups return `lookups` in order; `created` is the result of its creation. */
function resource(lookups: readonly (Found | null)[], created: string | null = 'new') {
  const calls: string[] = [];
  let lookup = 0;
  return {
    calls,
    ...{ type: 'container' as const, name: 'n' },
    async find() {
      calls.push('find');
      return lookups[lookup++] ?? null;
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

test('ensureOwned without findFirst creates a resource without a lookup', async t => {
  const owned = resource([]);
  t.is(await ensureOwned(owned, { findFirst: false }), 'new');
  t.deepEqual(owned.calls, ['create']);
});

test('ensureOwned returns the resource of ours that already has the name', async t => {
  const owned = resource([ours], null);
  t.is(await ensureOwned(owned, { findFirst: false }), 'ours');
  t.deepEqual(owned.calls, ['create', 'find']);
});

test('ensureOwned with findFirst does not create a resource that exists', async t => {
  const owned = resource([ours]);
  t.is(await ensureOwned(owned, { findFirst: true }), 'ours');
  t.deepEqual(owned.calls, ['find']);
});

for (const findFirst of [true, false])
  test(`ensureOwned refuses a name held by a foreign resource, looked up ${findFirst ? 'before' : 'after'} the create`, async t => {
    const owned = resource([theirs], null);
    const error = (await t.throwsAsync(ensureOwned(owned, { findFirst }))) as StepError;
    t.is(error.kind, 'nameConflict');
    t.is(
      error.message,
      'the name n is held by container c0ffee00c0ff, which is not ours. Rename or remove that one',
    );
    t.is(owned.calls.includes('create'), !findFirst);
  });

test('ensureOwned fails transiently if a taken name is free at the lookup', async t => {
  const error = (await t.throwsAsync(ensureOwned(resource([], null), { findFirst: false }))) as StepError;
  t.is(error.kind, 'transient');
});

test('findOwned returns a resource of ours, or null if none exists', async t => {
  t.is(await findOwned(resource([ours])), ours);
  t.is(await findOwned(resource([])), null);
  await t.throwsAsync(findOwned(resource([theirs])), { name: 'StepError' });
});

test('createOwned fails transiently and in doubt if the name is taken', async t => {
  t.is(await createOwned(resource([])), 'new');
  const error = (await t.throwsAsync(createOwned(resource([], null)))) as StepError;
  t.like(error, { kind: 'transient', inDoubt: true });
});
