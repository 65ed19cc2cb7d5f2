import test from 'ava';
import { UsageError } from '../../../src/errors.ts';
import { placedPlan } from '../../../src/spec/placement.ts';
import type { AgentPlan, FlowPlan } from '../../../src/spec/plan.ts';
import { planSchema } from '../../../src/spec/plan-schema.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { faults, parse, plan } from '../_helpers/spec.ts';

const agents = { a: { command: ['x'] } };

test('a target is an engine or the manager of a Swarm', async t => {
  t.deepEqual((await parse({ target: { context: 'build1' }, agents })).target, { context: 'build1' });
  t.deepEqual((await parse({ target: { swarm: 'build1' }, agents })).target, {
    context: 'build1',
    isSwarm: true,
  });
});

test('a placement is taken over as it is, and is absent if the spec has none', async t => {
  const placement = {
    host: 'build1',
    constraints: ['node.labels.disk==ssd', 'node.role != manager', 'engine.labels.os==a b'],
    genericResources: { 'NVIDIA-GPU': 2, 'a.b_c': 1 },
  };
  t.deepEqual((await plan({ placement })).placement, placement);
  t.deepEqual((await plan({}, { defaults: { placement: { host: 'build2' } } })).placement, {
    host: 'build2',
  });
  t.false('placement' in (await plan({})));
});

const constraint = 'expected a constraint of Docker Swarm, such as "node.labels.disk==ssd"';
const resource = 'the name of a generic resource of Docker Swarm, such as "NVIDIA-GPU"';

/** Placements, and the beginning of the problem for which they are refused. */
const refusals: readonly (readonly [unknown, string])[] = [
  ['build1', 'placement: "build1": expected an object with "host", "constraints" or "genericResources"'],
  [{ node: 'x' }, 'placement.node: '],
  [{ host: '--host' }, 'placement.host: "--host": expected the name of a docker context'],
  [{ constraints: 'node.id==x' }, 'placement.constraints: "node.id==x": expected an array of constraints'],
  ...[
    'node.id',
    'node.id=x',
    'node.id==',
    'node.id==-x',
    'node.id==$(x)',
    'host==x',
    '--x',
    'node.id==a\nb',
  ].map(
    text =>
      [{ constraints: [text] }, `placement.constraints[0]: ${JSON.stringify(text)}: ${constraint}`] as const,
  ),
  [{ constraints: ['node.id==x', 3] }, `placement.constraints[1]: 3: ${constraint}`],
  [{ constraints: Array(33).fill('node.id==x') }, 'placement.constraints: '],
  [{ genericResources: ['gpu'] }, 'placement.genericResources: '],
  ...[0, -1, 1.5, '1', null].map(
    count =>
      [
        { genericResources: { gpu: count } },
        `placement.genericResources.gpu: ${JSON.stringify(count)}: expected a whole number above zero`,
      ] as const,
  ),
  ...['a b', '-x', 'a=b', ''].map(
    kind => [{ genericResources: { [kind]: 1 } }, `placement.genericResources`] as const,
  ),
];

for (const [placement, problem] of refusals)
  test(`a placement of ${JSON.stringify(placement).slice(0, 80)} is refused`, async t => {
    const [line = ''] = await faults({ placement });
    t.true(line.startsWith(problem), line);
  });

test('the name of a generic resource is refused with its form', async t => {
  const [line = ''] = await faults({ placement: { genericResources: { 'a b': 1 } } });
  t.true(line.endsWith(`expected ${resource}`), line);
});

const flow = (isSwarm: boolean, ...placements: AgentPlan['placement'][]): FlowPlan => ({
  name: 'f',
  concurrency: null,
  ...(isSwarm && { target: { context: 'build1', isSwarm } }),
  agents: placements.map((placement, index) => ({
    ...defaultPlan,
    name: 'abc'[index]!,
    ...(placement && { placement }),
  })),
});
const placements = ({ agents }: FlowPlan) => agents.map(({ placement }) => placement);
const constraints = ['node.labels.disk==ssd'];
const genericResources = { gpu: 1 };

test('in a Swarm, a host becomes the first constraint', t => {
  const placed = placedPlan(flow(true, { host: 'b2', constraints, genericResources }, { host: 'b3' }));
  t.deepEqual(placements(placed), [
    { constraints: ['node.labels.agent-flow.context==b2', ...constraints], genericResources },
    { constraints: ['node.labels.agent-flow.context==b3'] },
  ]);
});

test('in a Swarm, a placement without a host stays as it is, and a second time changes nothing', t => {
  const given = flow(true, { constraints }, undefined, { genericResources });
  t.deepEqual(placedPlan(given), given);
  const placed = placedPlan(flow(true, { host: 'b2' }));
  t.deepEqual(placedPlan(placed), placed);
});

test('the plan of a Swarm can be stored', t => {
  const placed = placedPlan(flow(true, { host: 'b2', genericResources }));
  t.deepEqual(planSchema.parse(JSON.parse(JSON.stringify(placed))), placed);
});

test('on an engine without a Swarm, hosts stay as they are', t => {
  const given = flow(false, { host: 'b2' }, undefined);
  t.is(placedPlan(given), given);
});

test('fields that only a Swarm has are refused without one, all at once', t => {
  const given = flow(false, { constraints, genericResources }, { host: 'b2' }, { constraints });
  const needs = 'needs a Docker Swarm: "target": {"swarm": "NAME"}';
  t.throws(() => placedPlan(given), {
    instanceOf: UsageError,
    message: [
      `agents.a.placement.constraints: ${needs}`,
      `agents.a.placement.genericResources: ${needs}`,
      `agents.c.placement.constraints: ${needs}`,
    ].join('\n'),
  });
  t.throws(() => placedPlan({ ...given, target: { context: 'build1' } }), { instanceOf: UsageError });
});
