import test from 'ava';
import * as z from 'zod';
import type { FlowState } from '../../../src/state/flow-state.ts';
import { exitCodeOf, resultOf } from '../../../src/state/result.ts';
import { resultSchema } from '../../../src/state/result-schema.ts';
import {
  at,
  attemptEnds,
  ends,
  enters,
  failure,
  started,
  startedWith,
  stateAfter,
} from '../_helpers/story.ts';

type AgentEnd = string;

/** Return a run with one agent per end: a status, `lost` for no end, or the kind of a failure. */
function run(agentEnds: readonly AgentEnd[], cancelled = false): FlowState {
  const names = agentEnds.map((_, index) => `a${index}`);
  return stateAfter(
    started(Object.fromEntries(names.map(name => [name, []]))),
    ...(cancelled ? [at(1, { type: 'run.cancel', reason: 'SIGINT' } as const)] : []),
    ...agentEnds.flatMap((agentEnd, index) => {
      const name = names[index]!;
      if (agentEnd === 'lost') return [enters(2, name, 'running.working')];
      if (agentEnd === 'succeeded') return [ends(2, name)];
      if (agentEnd === 'timedOut') return [ends(2, name, { ...failure('timeout'), status: 'timedOut' })];
      if (agentEnd === 'skipped') return [ends(2, name, { ...failure('dependency'), status: 'skipped' })];
      if (agentEnd === 'cancelled') return [ends(2, name, { status: 'cancelled', exitCode: null })];
      return [ends(2, name, failure(agentEnd))];
    }),
  );
}

const table: readonly (readonly [string, readonly AgentEnd[], number, string])[] = [
  ['all agents succeeded', ['succeeded', 'succeeded'], 0, 'succeeded'],
  ['no agents', [], 0, 'succeeded'],
  ['an agent failed', ['succeeded', 'exit'], 1, 'failed'],
  ['an image failed', ['image'], 1, 'failed'],
  ['a cancelled agent without a failure', ['succeeded', 'cancelled'], 1, 'cancelled'],
  ['an infrastructure failure', ['infrastructure', 'exit'], 3, 'failed'],
  ['an unreachable engine', ['unreachable'], 3, 'failed'],
  ['a lost host', ['hostLost', 'exit'], 3, 'failed'],
  ['a name conflict', ['nameConflict'], 3, 'failed'],
  ['a network failure', ['network'], 3, 'failed'],
  ['an engine out of resources', ['outOfResources'], 3, 'failed'],
  ['an agent that timed out', ['timedOut'], 4, 'timedOut'],
  ['a timeout and an infrastructure failure', ['infrastructure', 'timedOut', 'exit'], 4, 'timedOut'],
  ['a timeout and a cancelled agent', ['timedOut', 'cancelled'], 4, 'timedOut'],
  ['a failure and a cancelled agent', ['exit', 'cancelled'], 1, 'failed'],
  ['a failure and a skipped dependant', ['exit', 'skipped'], 1, 'failed'],
  ['a cancelled and a skipped agent', ['cancelled', 'skipped'], 1, 'cancelled'],
  ['an agent that was skipped by its condition', ['succeeded', 'skipped'], 0, 'succeeded'],
  ['a failure that another agent was there for', ['exit', 'succeeded', 'skipped'], 1, 'failed'],
  ['a condition that could not be evaluated', ['succeeded', 'when'], 1, 'failed'],
  ['an agent without an outcome', ['succeeded', 'lost'], 3, 'failed'],
];

for (const [title, agentEnds, exitCode, status] of table)
  test(`${title}: exit code ${exitCode}, ${status}`, t => {
    t.is(exitCodeOf(run(agentEnds)), exitCode);
    t.is(resultOf(run(agentEnds)).status, status as never);
  });

test('a run that the user cancelled is cancelled, whatever the outcomes of its agents', t => {
  t.is(resultOf(run(['timedOut', 'cancelled'], true)).status, 'cancelled');
  t.is(exitCodeOf(run(['timedOut', 'cancelled'], true)), 4);
});

test('a cancel after the end of the last agent changes nothing', t => {
  t.is(resultOf(run(['succeeded'], true)).status, 'succeeded');
  t.is(resultOf(run(['exit'], true)).status, 'failed');
});

test('a success that left its container behind counts as a success', t => {
  const error = { phase: 'removing', kind: 'infrastructure', message: 'left behind' };
  t.is(exitCodeOf(stateAfter(started({ a: [] }), ends(1, 'a', { error }))), 0);
});

test('a cancelled agent that left its container behind counts as cancelled', t => {
  const error = { phase: 'removing', kind: 'infrastructure', message: 'left behind' };
  t.is(exitCodeOf(stateAfter(started({ a: [] }), ends(1, 'a', { status: 'cancelled', error }))), 1);
});

test('the end of the run overrides the computed status and exit code', t => {
  const state = stateAfter(
    started({ a: [] }),
    ends(1, 'a'),
    at(2, { type: 'run.ended', status: 'failed', exitCode: 3 }),
  );
  t.is(exitCodeOf(state), 3);
  t.is(resultOf(state).status, 'failed');
});

test('a result has every key of the contract', t => {
  const exit = {
    status: 'failed',
    exitCode: 7,
    error: { phase: 'running', kind: 'exit', message: 'exited with 7' },
  } as const;
  const state = stateAfter(
    started({ fixer: [], tests: ['fixer'] }),
    enters(1, 'fixer', 'running.working', { containerId: 'c1' }),
    enters(3, 'fixer', 'removing.checking', { containerId: 'c1' }),
    attemptEnds(3, 'fixer', { ...exit, blockedHosts: ['b.example:443', 'c.example:80'] }),
    enters(4, 'fixer', 'building', { attempt: 2 }),
    attemptEnds(5, 'fixer', {
      attempt: 2,
      containerId: 'c2',
      transcript: '/t/2',
      blockedHosts: ['a.example:443', 'c.example:80'],
    }),
    ends(6, 'fixer', { containerId: 'c2' }),
    ends(6, 'tests', {
      ...failure('dependency', 'm', 'waiting'),
      status: 'skipped',
      containerId: null,
      image: null,
    }),
    at(7, { type: 'run.ended', status: 'failed', exitCode: 1 }),
  );
  t.deepEqual(resultOf(state), {
    version: 1,
    runId: 'r1234567',
    name: 'fix',
    status: 'failed',
    exitCode: 1,
    startedAt: '2026-01-02T12:00:00.000Z',
    endedAt: '2026-01-02T12:00:07.000Z',
    agents: {
      fixer: {
        status: 'succeeded',
        exitCode: 0,
        error: null,
        containerId: 'c2',
        image: 'sha256:1',
        attempts: [
          { status: 'failed', exitCode: 7, containerId: 'c1', timings: { running: 2000, removing: 1000 } },
          { status: 'succeeded', exitCode: 0, containerId: 'c2', timings: {} },
        ],
        transcript: '/t/2',
        blockedHosts: ['a.example:443', 'b.example:443', 'c.example:80'],
        workspace: null,
        artifacts: [],
      },
      tests: {
        status: 'skipped',
        exitCode: null,
        error: { phase: 'waiting', kind: 'dependency', message: 'm' },
        containerId: null,
        image: null,
        attempts: [],
        transcript: null,
        blockedHosts: [],
        workspace: null,
        artifacts: [],
      },
    },
  });
  t.deepEqual(resultSchema.parse(resultOf(state)), resultOf(state));
});

test('an attempt without an outcome is not in the result', t => {
  const { agents } = resultOf(run(['lost']));
  t.deepEqual(agents.a0?.attempts, []);
  t.like(agents.a0?.error, { phase: 'running.working', kind: 'infrastructure' });
});

test('the result has the known details of a failed command, and no undefined ones', t => {
  const error = { phase: 'creating', kind: 'docker', message: 'no', command: 'docker create', exitCode: 125 };
  const failed = (
    given: typeof error | (Omit<typeof error, 'command' | 'exitCode'> & { command: undefined }),
  ) =>
    resultOf(stateAfter(started({ a: [] }), ends(1, 'a', { status: 'failed', exitCode: null, error: given })))
      .agents.a?.error;
  t.deepEqual(failed(error), error);
  t.deepEqual(Object.keys(failed({ phase: 'p', kind: 'k', message: 'm', command: undefined }) ?? {}), [
    'phase',
    'kind',
    'message',
  ]);
});

test('an active run has no end', t => {
  t.is(resultOf(stateAfter(started({ a: [] }))).endedAt, null);
});

test('the contract can be exported as JSON Schema', t => {
  const schema = z.toJSONSchema(resultSchema) as { required?: string[] };
  t.deepEqual(schema.required, [
    'version',
    'runId',
    'name',
    'status',
    'exitCode',
    'startedAt',
    'endedAt',
    'agents',
  ]);
});

test('the result has the values of a matrix', t => {
  const state = stateAfter(
    startedWith({ 'a-20': { matrix: { node: 20 } }, b: {} }),
    ends(1, 'a-20'),
    ends(1, 'b'),
  );
  const { agents } = resultSchema.parse(resultOf(state));
  t.deepEqual(agents['a-20']!.matrix, { node: 20 });
  t.false('matrix' in agents.b!);
});
