import test from 'ava';
import { eventSchema, type RunEvent } from '../../../src/events.ts';
import { unstartedOutcome } from '../../../src/recovery/record.ts';
import { trackRecords } from '../../../src/recovery/track-records.ts';
import { junit } from '../../../src/reporters/junit.ts';
import { lineOf } from '../../../src/reporters/lines.ts';
import { markdown } from '../../../src/reporters/markdown.ts';
import { summary } from '../../../src/reporters/summary.ts';
import { initialFlowState, liveFlowState } from '../../../src/state/flow-state.ts';
import { resultOf } from '../../../src/state/result.ts';
import { resultSchema } from '../../../src/state/result-schema.ts';
import { trackSpending } from '../../../src/state/spending.ts';
import { attemptEnds, ends, enters, startedWith, stateAfter } from '../_helpers/story.ts';

const usage = { turns: 2, inputTokens: 10, cachedInputTokens: 0, outputTokens: 5, costUsd: 0.25 };
const reused = {
  run: 'r0000001',
  attempt: 2,
  exitCode: 0,
  image: 'sha256:1',
  transcript: '/state/runs/r0000001/agents/a/2/transcript.log',
  usage,
  workspace: { branch: 'agent-flow/r0000001/a', commit: 'c0ffee', diff: null, path: null },
  artifacts: ['/state/runs/r0000001/agents/a/2/artifacts/x'],
};
const begin = { ...startedWith({ a: { reused }, b: { dependsOn: ['a'] } }), rerunOf: 'r0000001' } as RunEvent;
const after = [
  begin,
  enters(1, 'b', 'running.working'),
  attemptEnds(2, 'b', { usage: { ...usage, costUsd: 1 } }),
  ends(3, 'b'),
];

test('a reused agent has ended when its run starts, and a resumed run does not change that', t => {
  t.notThrows(() => eventSchema.parse(begin));
  const state = stateAfter(begin);
  t.like(state.agents.a, {
    status: 'succeeded',
    state: 'succeeded',
    reused: 'r0000001',
    attempt: 2,
    startedAt: null,
  });
  t.is(state.agents.b!.status, null);
  t.deepEqual(stateAfter(begin, begin).agents, state.agents);
  t.deepEqual(liveFlowState([begin]).current().agents, state.agents);
});

test('the machines get a reused agent as one that ended without having been started', t => {
  const records = trackRecords(['a', 'b']);
  records.apply(begin);
  t.deepEqual(unstartedOutcome(records.of('a')!), { status: 'succeeded', exitCode: 0, error: null });
  t.is(unstartedOutcome(records.of('b')!), null);
});

test('the result has the work of a reused agent, and no attempts and no cost of it', t => {
  const result = resultOf(stateAfter(...after));
  t.notThrows(() => resultSchema.parse(result));
  t.is(result.rerunOf, 'r0000001');
  const { transcript, workspace, artifacts } = reused;
  t.like(result.agents.a, { reused: 'r0000001', transcript, workspace, artifacts, usage, attempts: [] });
  t.is(result.agents.b!.reused, undefined);
  t.is(result.cost!.usd, 1);
});

test('a reused agent has no part of the budget of the run', t => {
  const spending = trackSpending({ maxUsd: 4, agents: ['a', 'b'], limitOf: () => undefined });
  spending.apply(begin);
  t.is(spending.spentUsd(), 0);
  t.is(spending.shareOf('b', 1), 4);
});

test('every report names the run that work is reused from', t => {
  const state = stateAfter(...after);
  t.regex(lineOf(initialFlowState, begin)!, /2 agents, at most 2 at once, a rerun of r0000001; reused: a$/);
  const text = summary(state);
  t.regex(text, /^a +succeeded, reused +0 +0 +- /m);
  t.regex(text, /^reused from run r0000001: a$/m);
  t.regex(text, /^a: 2 turns, .*, in run r0000001$/m);
  t.regex(junit(state), /<property name="reused-from" value="r0000001"\/>/);
  t.regex(markdown(state, 10_000), /\| `a` \| succeeded, reused from `r0000001` \| 0 \| 0 \|/);
});

const decision = { decision: 'approved', source: 'user', by: 'ann@host', reason: 'fine', at: 5 } as const;
const approve = { prompt: 'Merge?', timeout: 1_000, onTimeout: 'reject' } as const;
const approval = { run: 'r0000001', attempt: 1, exitCode: null, image: null, transcript: null } as const;
const approved = startedWith({
  go: { approve, reused: { ...approval, workspace: null, artifacts: [], decision } },
});

test('a reused approval has its decision, and neither attempts nor a request', t => {
  t.notThrows(() => eventSchema.parse(approved));
  const state = stateAfter(approved);
  t.like(state.agents.go, { status: 'succeeded', reused: 'r0000001', attempts: [], startedAt: null });
  t.deepEqual(state.agents.go!.approval, {
    prompt: 'Merge?',
    onTimeout: 'reject',
    until: null,
    decided: decision,
  });
  const result = resultOf(state);
  t.notThrows(() => resultSchema.parse(result));
  t.like(result.agents.go, { reused: 'r0000001', attempts: [], transcript: null });
  t.deepEqual(result.agents.go!.approval, { ...decision, at: '1970-01-01T00:00:00.005Z' });
  const records = trackRecords(['go']);
  records.apply(approved);
  t.like(unstartedOutcome(records.of('go')!), { status: 'succeeded', exitCode: null });
  t.is(records.of('go')!.approval, null);
});

test('reports have the decision on a reused approval', t => {
  const state = stateAfter(approved);
  t.regex(summary(state), /^go +succeeded, reused +- +- +- /m);
  t.regex(summary(state), /^go: approved by ann@host: fine$/m);
  t.regex(junit(state), /<property name="decision" value="approved by ann@host: fine"\/>/);
});
