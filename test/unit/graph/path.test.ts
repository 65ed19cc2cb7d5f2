import test from 'ava';
import { machineGraph } from '../../../src/graph/machine.ts';
import { agentPath } from '../../../src/graph/path.ts';
import { enters, started } from '../views/story.ts';

const graph = machineGraph('agent');
const way = (...steps: readonly (readonly [state: string, event: string, attempt?: number])[]) =>
  agentPath(graph, { runId: 'r1234567', agent: 'fixer' }, [
    started({ fixer: [] }),
    ...steps.map(([state, event, attempt = 1], seconds) =>
      enters(seconds, 'fixer', state, { event, attempt }),
    ),
  ]);

test('a path counts each transition by the edge of the chart that it is', t => {
  const { transitions, visited, current, attempt } = way(
    ['deciding', 'init'],
    ['building', 'decide done'],
    ['backingOff', 'ensureImage failed'],
    ['building', 'backOff done'],
    ['backingOff', 'ensureImage failed'],
    ['building', 'backOff done'],
    ['networking', 'ensureImage done'],
  );
  t.deepEqual(transitions, [
    { source: 'deciding', target: 'building', event: 'decide done', count: 1 },
    { source: 'building', target: 'backingOff', event: 'ensureImage failed', count: 2 },
    { source: 'backingOff', target: 'building', event: 'backOff done', count: 2 },
    { source: 'building', target: 'networking', event: 'ensureImage done', count: 1 },
  ]);
  t.deepEqual(visited, { deciding: 1, building: 3, backingOff: 2, networking: 1 });
  t.is(current, 'networking');
  t.is(attempt, 1);
});

test('the states of the journal are inside those that the edges lead between', t => {
  const { transitions, visited } = way(
    ['injecting', 'waitForTmux done'],
    ['running.working', 'inject done'],
    ['running.quiet', 'QUIET'],
    ['running.working', 'OUTPUT'],
    ['stopping.assessing', 'watch done'],
    ['collecting.assessing', 'watch done'],
    ['collecting.reading', 'watch done'],
  );
  t.deepEqual(
    transitions.map(({ source, target, event }) => [source, target, event]),
    [
      ['injecting', 'running', 'inject done'],
      ['running.working', 'running.quiet', 'QUIET'],
      ['running.quiet', 'running.working', 'OUTPUT'],
      ['running', 'stopping', 'watch done'],
      ['stopping.assessing', 'collecting', null],
      ['collecting.assessing', 'collecting.reading', null],
    ],
  );
  t.like(visited, { running: 1, 'running.working': 2, 'running.quiet': 1, stopping: 1, collecting: 1 });
});

test('an agent that is resumed begins anew, which is no transition', t => {
  const { transitions, visited, current } = way(
    ['running.working', 'inject done'],
    ['deciding', 'init'],
    ['running.working', 'decide done'],
  );
  t.deepEqual(transitions, [{ source: 'deciding', target: 'running', event: 'decide done', count: 1 }]);
  t.like(visited, { deciding: 1, running: 2 });
  t.is(current, 'running.working');
});

test('other agents leave no mark, and one that never started has none', t => {
  const events = [started({ fixer: [], other: [] }), enters(1, 'other', 'deciding', { event: 'init' })];
  t.like(agentPath(graph, { runId: 'r1234567', agent: 'fixer' }, events), {
    current: null,
    visited: {},
    transitions: [],
  });
});

test('a step that the chart does not know is told as the journal has it', t => {
  t.deepEqual(way(['deciding', 'init'], ['dreaming', 'SLEEP', 2]), {
    runId: 'r1234567',
    agent: 'fixer',
    attempt: 2,
    current: 'dreaming',
    visited: { deciding: 1, dreaming: 1 },
    transitions: [{ source: 'deciding', target: 'dreaming', event: 'SLEEP', count: 1 }],
  });
});
