import test from 'ava';
import type { Container } from '../../../src/docker/containers.ts';
import { classify } from '../../../src/recovery/orphans.ts';

const us = '0123456789abcdef';
const labels = {
  'tmux-agents': 'true',
  'tmux-agents.instance': us,
  'tmux-agents.run-id': 'rabc1234',
  'tmux-agents.agent': 'worker',
  'tmux-agents.attempt': '2',
  'tmux-agents.spec-hash': '0'.repeat(32),
};
const container = (more: Readonly<Record<string, string>> = {}, name = 'tmux-agent-rabc1234-worker-2') =>
  ({ id: 'c0ffee', name, labels: { ...labels, ...more } }) as unknown as Container;

test('a container whose name matches its labels is ours', t => {
  t.like(classify(container(), us), { origin: 'ours', runId: 'rabc1234', agent: 'worker', attempt: 2 });
});

test('a container of another instance is not ours, even with invalid labels', t => {
  t.is(classify(container({ 'tmux-agents.run-id': '../x' }), 'f'.repeat(16)).origin, 'another');
});

test('a proxy without a run is malformed, and the reason names its run', t => {
  const { 'tmux-agents.agent': _, ...rest } = labels;
  const proxy = { ...container(), labels: { ...rest, 'tmux-agents.role': 'proxy' } };
  t.like(classify(proxy, us), { origin: 'malformed', why: 'proxy left behind by run rabc1234' });
});

test('a container without an instance was created by hand', t => {
  const { 'tmux-agents.instance': _, ...rest } = labels;
  t.is(classify({ ...container(), labels: rest }, us).origin, 'by hand');
});

test('an invalid label is named, and no label of its container is used', t => {
  const hostile = [
    '',
    '.',
    '..',
    '../x',
    '/etc',
    'rabc1234/../x',
    'rabc1234\n',
    'RABC1234',
    '\u001b[31m',
    '-x',
    '__proto__',
  ];
  const cases = Object.keys(labels)
    .filter(key => key !== 'tmux-agents' && key !== 'tmux-agents.instance')
    .flatMap(key => hostile.map(value => [key, value] as const));
  for (const [key, value] of cases) {
    const found = classify(container({ [key]: value }), us);
    t.is(found.origin, 'malformed', `${key}=${JSON.stringify(value)}`);
    t.false('runId' in found);
    t.regex('why' in found ? (found.why ?? '') : '', new RegExp(`^${key} is not a valid `));
  }
  for (const attempt of ['0', '00', '1.0', '1e1', ' 1', '+1', '-1', '100'])
    t.is(classify(container({ 'tmux-agents.attempt': attempt }), us).origin, 'malformed', attempt);
  for (const instance of ['', '../x', us.toUpperCase(), `${us}\n`])
    t.is(classify(container({ 'tmux-agents.instance': instance }), us).origin, 'malformed', instance);
});

test('a container whose name does not match its labels is malformed', t => {
  t.is(classify(container({}, 'tmux-agent-rabc1234-worker-1'), us).origin, 'malformed');
  t.is(classify(container({}, 'mine'), us).origin, 'malformed');
});
