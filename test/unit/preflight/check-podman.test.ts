import test from 'ava';
import { UsageError } from '../../../src/errors.ts';
import { checkPodman } from '../../../src/preflight/check-podman.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

const check = (agent: Partial<AgentPlan>, isPodman = true, path = '/home/me/state') =>
  checkPodman(
    { name: 'f', concurrency: null, agents: [{ ...defaultPlan, name: 'a', ...agent }] },
    { path },
    { isPodman },
  );

const refusals: readonly (readonly [string, Partial<AgentPlan>, RegExp])[] = [
  [
    'an isolated network',
    { network: { mode: 'isolated' } },
    /^agents\.a\.network: Podman .* "isolated".*"shared"/,
  ],
  [
    'a list of hosts',
    { network: { mode: 'allow', hosts: ['example.com'] } },
    /^agents\.a\.network: Podman .* a list of hosts/,
  ],
  ['GPUs', { gpus: 'all' }, /^agents\.a\.gpus: Podman ignores/],
  [
    'a workspace with a comma',
    { workspace: { mode: 'bind', path: '/home/me/a,ro=true' } },
    /^agents\.a\.workspace: Podman cannot mount \/home\/me\/a,ro=true/,
  ],
  [
    'a repository with a quote',
    { workspace: { mode: 'clone', path: '/a"b', repository: '/a"b', from: null } },
    /^agents\.a\.workspace: .*\/a"b/,
  ],
  [
    'a mount from a path with a line break',
    { mounts: [{ source: '/a\nb', target: '/m', readOnly: true }] },
    /^agents\.a\.mounts\[0\]\.source: .*\/a\\nb/,
  ],
  [
    'a mount to a path with a comma',
    { mounts: [{ source: '/a', target: '/m,source=/', readOnly: true }] },
    /^agents\.a\.mounts\[0\]\.target: /,
  ],
  [
    'a login with a comma',
    { auth: { files: [{ source: '/a,b', home: 'x', isCopied: true }], sshAgent: null } },
    /^agents\.a\.auth: /,
  ],
];

for (const [what, agent, message] of refusals)
  test(`${what} is refused with Podman, but not with Docker`, t => {
    const error = t.throws(() => check(agent), { instanceOf: UsageError, message });
    t.regex(error?.message ?? '', /or use a Docker engine$/);
    t.notThrows(() => check(agent, false));
  });

test('fields that Podman supports are accepted', t => {
  t.notThrows(() => check({ network: { mode: 'none' }, workspace: { mode: 'bind', path: "/a b:c'd" } }));
  // A copy is sent, so its path may contain a comma.
  t.notThrows(() => check({ workspace: { mode: 'copy', path: '/a,b' } }));
});

test('a state directory that Podman cannot mount is refused', t => {
  t.throws(() => check({}, true, '/home/me/a,b'), { message: /^the state directory: .*a,b/ });
});

test('all problems are reported at once', t => {
  const error = t.throws(() => check({ network: { mode: 'isolated' }, gpus: 'all' }));
  t.is(error?.message.split('\n').length, 2);
});
