import test from 'ava';
import type { Base } from '../../../src/actors/context.ts';
import type { CloneRequest } from '../../../src/actors/make-clone.ts';
import { branchOf, ensureWorkspace, workRefs } from '../../../src/actors/workspace.ts';
import { agent, identity, input, never, rejection } from '../_helpers/actor-ports.ts';

const clone = agent({ workspace: { mode: 'clone', path: '/repo', repository: '/repo', from: null } });

function ports(problem: string | null, base: Base = { commit: 'c1' }, plan = clone) {
  const requests: CloneRequest[] = [];
  const world = {
    plan: () => plan,
    identity: () => identity,
    clone: () => (plan.workspace.mode === 'clone' ? '/runs/a/1/workspace' : null),
    base: () => base,
    async makeClone(_: object, request: CloneRequest) {
      requests.push(request);
      return problem;
    },
  };
  return { world, requests };
}

test('the clone of an agent starts from its base, on the branch of the agent', async t => {
  const { world, requests } = ports(null);
  await ensureWorkspace(world, input, never);
  t.deepEqual(requests, [
    {
      repository: '/repo',
      commit: 'c1',
      branch: 'agent-flow/r1234567/a',
      target: '/runs/a/1/workspace',
    },
  ]);
});

test('an agent without a clone needs nothing on the host', async t => {
  const { world, requests } = ports('never called', { commit: 'c1' }, agent());
  await ensureWorkspace(world, input, never);
  t.deepEqual(requests, []);
});

test('a base that is not known is a failure of the workspace', async t => {
  const { world, requests } = ports(null, { fault: 'no commit was recorded' });
  const error = await rejection(ensureWorkspace(world, input, never));
  t.is(error.kind, 'workspace');
  t.regex(error.message, /clone of a: no commit was recorded/);
  t.deepEqual(requests, []);
});

test('a clone that cannot be made is a failure of the workspace, and a full disk one of resources', async t => {
  const broken = await rejection(ensureWorkspace(ports('its .git is damaged').world, input, never));
  t.like(broken, { kind: 'workspace', message: 'could not clone /repo: its .git is damaged' });
  const full = 'fatal: write error: No space left on device';
  t.is((await rejection(ensureWorkspace(ports(full).world, input, never))).kind, 'outOfResources');
});

test('the branch and refs of saved work carry the run, the agent and the attempt', t => {
  t.is(branchOf('r1', 'a'), 'agent-flow/r1/a');
  t.deepEqual(workRefs('r1', 'a', 2), { branch: 'agent-flow/r1/a', refs: 'refs/agent-flow/r1/a/2' });
});
