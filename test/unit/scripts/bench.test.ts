import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { median, ratioOf } from '../../../scripts/bench/timing.ts';
import { createArgs } from '../../../src/agent-container/create-args.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

test('the floor has the flags of docker create, except those that only agent-flow reads', t => {
  const floor = readFileSync(join(import.meta.dirname, '../../../scripts/bench/floor.sh'), 'utf8');
  const plan = { ...defaultPlan, workspace: { mode: 'none' as const }, cpus: null };
  const identity = { instance: 'i', runId: 'r1234567', attempt: 1, specHash: 'h', nonce: 'n' };
  const args = createArgs(plan, identity, 'image', { limits: { cpus: 2 }, createdAt: '' });
  const isOwn = /^(create|--|image|--(name|entrypoint|env=AGENT_.*)\b.*)$/;
  const flags = args.filter(arg => !isOwn.test(arg));
  const missing = flags
    .filter(flag => !/^--(label|cpus|network-alias)=/.test(flag))
    .filter(flag => !floor.includes(` ${flag}`));
  t.deepEqual(missing, []);
  const count = (texts: readonly string[], part: string) => texts.filter(text => text.includes(part)).length;
  for (const part of ['--label=', '--cpus=', '--network-alias='])
    t.is(count(floor.split(/\s+/), part), count(flags, part), part);
});

test('the median of an even number of times is the mean of the middle two', t => {
  t.is(median([9, 1, 5]), 5);
  t.is(median([9, 1, 5, 7]), 6);
});

test('a ratio is the median of the ratios of each round', t => {
  t.is(ratioOf([10, 100, 30], [5, 50, 10]), 2);
});
