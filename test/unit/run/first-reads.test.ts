import test from 'ava';
import { firstReads } from '../../../src/run/first-reads.ts';
import { agent } from '../_helpers/actor-ports.ts';

const reads = (...agents: readonly Parameters<typeof agent>[0][]) =>
  firstReads({ agents: agents.map(agent) }).map(args => args.join(' '));
const bridge = { mode: 'bridge', name: 'net' } as const;

test('the image and the network of the first agent are read first', t => {
  t.deepEqual(reads({ dependsOn: [{ agent: 'b', on: 'succeeded' }] as never }, { network: bridge }), [
    'image inspect -- tmux-agents-base:latest',
    'network ls --no-trunc --filter=name=^net$ --format={{json .}}',
  ]);
});

test('the image that is inspected first depends on what the agent runs in', t => {
  const build = { context: '/c' } as never;
  const gpus = 'all' as never;
  for (const [fields, name] of [
    [{}, 'tmux-agents-base:latest'],
    [{ image: 'node:22' }, 'node:22'],
    [{ gpus }, 'tmux-agents-base-gpu:latest'],
    [{ build, gpus }, 'tmux-agents-base:latest'],
    [{ provider: 'claude' }, 'tmux-agents-base:latest'],
  ] as const)
    t.is(reads({ ...fields, network: { mode: 'none' } }).join(), `image inspect -- ${name}`);
});

test('networks of the run itself are not looked for', t => {
  t.is(reads({ network: { mode: 'isolated' } }).length, 1);
  t.is(reads({ network: { mode: 'allow', hosts: ['a.example'] } as never }).length, 1);
});
