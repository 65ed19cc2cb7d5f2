import test from 'ava';
import { agentsToRerun, rerunOf, withoutReused } from '../../../src/run/reuse.ts';
import type { ApprovalPlan } from '../../../src/spec/approval-plan.ts';
import type { FlowPlan } from '../../../src/spec/plan.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import {
  at,
  attemptEnds,
  ends,
  enters,
  failure,
  noon,
  started,
  startedWith,
  stateAfter,
} from '../_helpers/story.ts';

type Agents = Readonly<Record<string, readonly string[]>>;

const planOf = (agents: Agents): FlowPlan => ({
  name: 'fix',
  concurrency: null,
  agents: Object.entries(agents).map(([name, dependsOn]) => ({ ...defaultPlan, name, dependsOn })),
});

const skipped = (kind: string) => ({ ...failure(kind), status: 'skipped' }) as const;

/** The agents that run again, and those that are reused, of a flow in which the others have succeeded. */
function decide(
  agents: Agents,
  outcomes: Readonly<Record<string, ReturnType<typeof failure> | ReturnType<typeof skipped>>>,
  from: string[] = [],
) {
  const plan = planOf(agents);
  const events = Object.keys(agents).map((name, index) => ends(index, name, outcomes[name] ?? {}));
  const state = stateAfter(started(agents), ...events);
  const again = agentsToRerun(plan, state, from);
  return { again: [...again].sort(), reused: Object.keys(rerunOf(plan, state, again).reused) };
}

const chain = { a: [], b: ['a'], c: ['b'], d: ['c'], e: [] };

test('agents that did not succeed run again, and the others are reused', t => {
  const failed = { c: failure('exit'), d: skipped('dependency') };
  t.deepEqual(decide(chain, failed), { again: ['c', 'd'], reused: ['a', 'b', 'e'] });
  t.deepEqual(decide(chain, failed, ['b']), { again: ['b', 'c', 'd'], reused: ['a', 'e'] });
  t.deepEqual(decide(chain, {}), { again: [], reused: ['a', 'b', 'c', 'd', 'e'] });
  t.deepEqual(decide(chain, {}, ['d']), { again: ['d'], reused: ['a', 'b', 'c', 'e'] });
});

test('an agent that succeeded after a failure runs again, since that may not happen again', t => {
  const agents = { tests: [], rescue: ['tests'], report: ['rescue'] };
  t.deepEqual(decide(agents, { tests: failure('exit') }), {
    again: ['report', 'rescue', 'tests'],
    reused: [],
  });
});

test('an agent that its spec skipped lets its dependants be reused', t => {
  const agents = { tests: [], fix: ['tests'], report: ['fix'], other: [] };
  const outcomes = { fix: skipped('when'), other: failure('exit') };
  t.deepEqual(decide(agents, outcomes), { again: ['other'], reused: ['tests', 'report'] });
  const full = decide(agents, { fix: skipped('outOfResources') });
  t.deepEqual(
    full,
    { again: ['fix', 'report'], reused: ['tests', 'other'] },
    'it was not skipped by its spec',
  );
});

const usage = { turns: 2, inputTokens: 10, cachedInputTokens: 0, outputTokens: 5, costUsd: 0.25 };
const workspace = { branch: 'agent-flow/r1234567/a', commit: 'c0ffee', diff: '/s/diff.patch', path: null };

test('a reused agent has the outcome and the work of its last attempt, and the usage of all', t => {
  const state = stateAfter(
    started({ a: [] }),
    enters(1, 'a', 'running.working'),
    attemptEnds(2, 'a', { ...failure('exit'), usage }),
    enters(3, 'a', 'running.working', { attempt: 2 }),
    attemptEnds(4, 'a', { attempt: 2, usage, transcript: '/s/a/2/transcript.log' }),
    at(5, { type: 'workspace.saved', agent: 'a', attempt: 2, workspace, artifacts: ['/s/a/2/artifacts/x'] }),
    ends(6, 'a'),
  );
  const plan = planOf({ a: [] });
  const rerun = rerunOf(plan, state, new Set());
  const work = {
    run: 'r1234567',
    attempt: 2,
    exitCode: 0,
    image: 'sha256:1',
    transcript: '/s/a/2/transcript.log',
    usage: { ...usage, turns: 4, inputTokens: 20, outputTokens: 10, costUsd: 0.5 },
    workspace,
    artifacts: ['/s/a/2/artifacts/x'],
  };
  t.deepEqual(rerun, { of: 'r1234567', reused: { a: work } });
  t.deepEqual(withoutReused(plan, rerun).agents, []);
  t.is(withoutReused(plan, undefined), plan);
  // A rerun of the rerun refers to the run in which the agent ran.
  const next = stateAfter(startedWith({ a: { reused: { ...work, run: 'r0000001' } } }));
  t.deepEqual(rerunOf(plan, next, new Set()).reused, { a: { ...work, run: 'r0000001' } });
});

const asked = { prompt: 'Merge?', timeout: 1_000, onTimeout: 'reject' } as const;
const decision = { decision: 'approved', source: 'user', by: 'ann@host', reason: null } as const;

/** A run in which `deploy` needs the approval `go`, which has been decided, and `go` the agent `work`. */
const approvalStory = (decided: 'approved' | 'rejected') => {
  const isApproved = decided === 'approved';
  const approval: ApprovalPlan = { name: 'go', index: 1, dependsOn: ['work'], ...asked };
  const plan = { ...planOf({ work: [], deploy: ['go'], other: [] }), approvals: [approval] };
  const state = stateAfter(
    startedWith({
      work: {},
      go: { approve: asked, dependsOn: ['work'] },
      deploy: { dependsOn: ['go'] },
      other: {},
    }),
    ends(1, 'work'),
    at(2, { type: 'approval.requested', agent: 'go', until: 9 }),
    at(3, { type: 'approval.decided', agent: 'go', ...decision, decision: decided }),
    ends(4, 'go', isApproved ? { exitCode: null } : failure('rejected')),
    ends(5, 'deploy', isApproved ? failure('exit') : skipped('dependency')),
    ends(6, 'other'),
  );
  const decide = (from: readonly string[] = []) => {
    const again = agentsToRerun(plan, state, from);
    return { again: [...again].sort(), reused: rerunOf(plan, state, again).reused };
  };
  return decide;
};

test('an approval that was approved is reused with its decision, unless it depends on what runs again', t => {
  const decide = approvalStory('approved');
  const { again, reused } = decide();
  t.deepEqual(again, ['deploy']);
  t.like(reused.go, { run: 'r1234567', exitCode: null, transcript: null, workspace: null });
  t.deepEqual(reused.go!.decision, { ...decision, at: noon + 3_000 });
  t.false('decision' in reused.work!);
  t.deepEqual(decide(['go']).again, ['deploy', 'go']);
  t.deepEqual(decide(['work']).again, ['deploy', 'go', 'work']);
  t.deepEqual(Object.keys(decide(['work']).reused), ['other']);
});

test('an approval that was rejected is asked again', t => {
  const { again, reused } = approvalStory('rejected')();
  t.deepEqual(again, ['deploy', 'go']);
  t.deepEqual(Object.keys(reused), ['work', 'other']);
});
