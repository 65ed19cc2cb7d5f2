import test from 'ava';
import { machineGraph } from '../../../src/graph/machine.ts';
import { agentPath } from '../../../src/graph/path.ts';
import { enters, started } from '../_helpers/story.ts';

const graph = machineGraph('agent');
const pathOf = (...steps: readonly (readonly [state: string, event: string, attempt?: number])[]) =>
  agentPath(graph, { runId: 'r1234567', agent: 'fixer' }, [
    started({ fixer: [] }),
    ...steps.map(([state, event, attempt = 1], seconds) =>
      enters(seconds, 'fixer', state, { event, attempt }),
    ),
  ]);

test('a path counts the transitions of each edge', t => {
  const { transitions, visited, current, attempt } = pathOf(
    ['reconciling', 'init'],
    ['building', 'reconcile done'],
    ['backingOff', 'ensureImage failed'],
    ['building', 'backOff done'],
    ['backingOff', 'ensureImage failed'],
    ['building', 'backOff done'],
    ['networking', 'ensureImage done'],
  );
  t.deepEqual(transitions, [
    { source: 'reconciling', target: 'building', event: 'reconcile done', count: 1 },
    { source: 'building', target: 'backingOff', event: 'ensureImage failed', count: 2 },
    { source: 'backingOff', target: 'building', event: 'backOff done', count: 2 },
    { source: 'building', target: 'networking', event: 'ensureImage done', count: 1 },
  ]);
  t.deepEqual(visited, { reconciling: 1, building: 3, backingOff: 2, networking: 1 });
  t.is(current, 'networking');
  t.is(attempt, 1);
});

test('a transition to a substate counts for the edge between its parent states', t => {
  const { transitions, visited } = pathOf(
    ['injecting', 'waitForTmux done'],
    ['running.working', 'inject done'],
    ['running.idle', 'IDLE'],
    ['running.working', 'OUTPUT'],
    ['stopping.checking', 'watch done'],
    ['collecting.checking', 'watch done'],
    ['collecting.reading', 'watch done'],
  );
  t.deepEqual(
    transitions.map(({ source, target, event }) => [source, target, event]),
    [
      ['injecting', 'running', 'inject done'],
      ['running.working', 'running.idle', 'IDLE'],
      ['running.idle', 'running.working', 'OUTPUT'],
      ['running', 'stopping', 'watch done'],
      ['stopping.checking', 'collecting', null],
      ['collecting.checking', 'collecting.reading', null],
    ],
  );
  t.like(visited, { running: 1, 'running.working': 2, 'running.idle': 1, stopping: 1, collecting: 1 });
});

test('a resume starts at the initial state without a transition', t => {
  const { transitions, visited, current } = pathOf(
    ['running.working', 'inject done'],
    ['reconciling', 'init'],
    ['running.working', 'reconcile done'],
  );
  t.deepEqual(transitions, [{ source: 'reconciling', target: 'running', event: 'reconcile done', count: 1 }]);
  t.like(visited, { reconciling: 1, running: 2 });
  t.is(current, 'running.working');
});

test('events of other agents are ignored, and an agent that never started has an empty path', t => {
  const events = [started({ fixer: [], other: [] }), enters(1, 'other', 'reconciling', { event: 'init' })];
  t.like(agentPath(graph, { runId: 'r1234567', agent: 'fixer' }, events), {
    current: null,
    visited: {},
    transitions: [],
  });
});

test('a transition that the chart lacks is kept as the journal recorded it', t => {
  t.deepEqual(pathOf(['reconciling', 'init'], ['dreaming', 'SLEEP', 2]), {
    runId: 'r1234567',
    agent: 'fixer',
    attempt: 2,
    current: 'dreaming',
    visited: { reconciling: 1, dreaming: 1 },
    transitions: [{ source: 'reconciling', target: 'dreaming', event: 'SLEEP', count: 1 }],
  });
});
