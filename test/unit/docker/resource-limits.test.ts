import test from 'ava';
import { createArgs } from '../../../src/agent-container/create-args.ts';
import { helperArgs as agentHelperArgs } from '../../../src/agent-container/helper.ts';
import { proxyNames } from '../../../src/agent-container/names.ts';
import {
  allLimits,
  limitFlags,
  missingLimits,
  type SupportedLimits,
} from '../../../src/docker/resource-limits.ts';
import { proxyArgs, helperArgs as proxyCheckArgs } from '../../../src/networks/proxy-args.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

const wanted = { cpus: 2, memory: 1024, memorySwap: 1024, pids: 64 };

test('all limits are requested from an engine that supports them', t => {
  const all = ['--pids-limit=64', '--memory=1024', '--memory-swap=1024', '--cpus=2'];
  t.deepEqual(limitFlags(wanted), all);
  t.deepEqual(limitFlags(wanted, allLimits), all);
  t.deepEqual(missingLimits(allLimits), []);
});

for (const [limit, omitted] of [
  ['cpus', ['--cpus']],
  ['memory', ['--memory', '--memory-swap']],
  ['swap', ['--memory-swap']],
  ['pids', ['--pids-limit']],
] as const)
  test(`without support for ${limit}, ${omitted.join(' and ')} is omitted and reported as missing`, t => {
    const supported = { ...allLimits, [limit]: false };
    const names = limitFlags(wanted, supported).map(flag => flag.split('=')[0]);
    t.deepEqual(
      limitFlags(wanted)
        .filter(flag => !names.includes(flag.split('=')[0]))
        .map(flag => flag.split('=')[0]!)
        .sort(),
      [...omitted].sort(),
    );
    t.deepEqual(missingLimits(supported), [...omitted]);
  });

test('agents, helpers, proxies and the egress check request no limit that the engine lacks', t => {
  const supportedLimits: SupportedLimits = { cpus: false, memory: false, swap: false, pids: false };
  const proxy = { instance: 'i', runId: 'r1', names: proxyNames('r1', ['a.example']), image: 'sha256:a' };
  const commands = (more: { supportedLimits?: SupportedLimits }) => [
    createArgs(
      defaultPlan,
      { instance: 'i', runId: 'r1', attempt: 1, specHash: 'h', nonce: 'n' },
      'sha256:a',
      {
        limits: { cpus: 2, ...more },
        createdAt: '',
      },
    ),
    agentHelperArgs({
      ...{ instance: 'i', runId: 'r1', owner: { agent: 'a', attempt: 1 }, image: 'sha256:a' },
      ...{ command: 'agent-collect', args: [], mounts: [], user: '0' },
      ...more,
    }),
    proxyArgs({ ...proxy, ...more }, { hosts: ['a.example'], secretHosts: [] }),
    proxyCheckArgs({ ...proxy, ...more }),
  ];
  const limits = /^--(cpus|memory|memory-swap|pids-limit)=/;
  for (const args of commands({})) t.true(args.some(arg => limits.test(arg)));
  for (const args of commands({ supportedLimits })) t.false(args.some(arg => limits.test(arg)));
});
