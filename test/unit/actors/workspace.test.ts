import test from 'ava';
import type { Base } from '../../../src/actors/context.ts';
import type { CloneRequest } from '../../../src/actors/make-clone.ts';
import { branchOf, ensureWorkspace, workRefs } from '../../../src/actors/workspace.ts';
import { agent, identity, input, never, rejection, sameFiles } from '../_helpers/actor-ports.ts';

const clone = agent({ workspace: { mode: 'clone', path: '/repo', repository: '/repo', from: null } });

function ports(problem: string | null, base: Base = { commit: 'c1' }, plan = clone) {
  const requests: CloneRequest[] = [];
  const context = {
    plan: () => plan,
    identity: () => identity,
    cloneVolume: sameFiles.cloneVolume,
    clone: () => (plan.workspace.mode === 'clone' ? '/runs/a/1/workspace' : null),
    startCommit: () => base,
    async makeClone(_: object, request: CloneRequest) {
      requests.push(request);
      return problem;
    },
  };
  return { context, requests };
}

test('the clone of an agent starts from its base, on the branch of the agent', async t => {
  const { context, requests } = ports(null);
  await ensureWorkspace(context, input, never);
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
  const { context, requests } = ports('never called', { commit: 'c1' }, agent());
  await ensureWorkspace(context, input, never);
  t.deepEqual(requests, []);
});

test('an unknown base is a workspace failure', async t => {
  const { context, requests } = ports(null, { problem: 'no commit was recorded' });
  const error = await rejection(ensureWorkspace(context, input, never));
  t.is(error.kind, 'workspace');
  t.regex(error.message, /clone of a: no commit was recorded/);
  t.deepEqual(requests, []);
});

test('a failed clone is a workspace failure, and a full disk is a lack of resources', async t => {
  const broken = await rejection(ensureWorkspace(ports('its .git is damaged').context, input, never));
  t.like(broken, { kind: 'workspace', message: 'could not clone /repo: its .git is damaged' });
  const full = 'fatal: write error: No space left on device';
  t.is((await rejection(ensureWorkspace(ports(full).context, input, never))).kind, 'outOfResources');
});

test('the branch and refs of saved work contain the run, the agent and the attempt', t => {
  t.is(branchOf('r1', 'a'), 'agent-flow/r1/a');
  t.deepEqual(workRefs('r1', 'a', 2), { branch: 'agent-flow/r1/a', refs: 'refs/agent-flow/r1/a/2' });
  const late = { branch: 'agent-flow/r1/a.attempt-2', refs: 'refs/agent-flow/r1/a/2' };
  t.deepEqual(workRefs('r1', 'a', 2, true), late);
});
