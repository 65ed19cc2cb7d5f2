import { hostname } from 'node:os';
import test from 'ava';
import { checkFiles, mountsElsewhere, whyElsewhere } from '../../../src/preflight/check-files.ts';
import type { AgentPlan, FlowPlan } from '../../../src/spec/plan.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { engine, fakeClient } from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';

const far = { host: 'tcp://far:2375', env: {} };
const none = { mode: 'none' } as const;
const flow = (...agents: Partial<AgentPlan>[]): FlowPlan => ({
  name: 'f',
  concurrency: null,
  agents: agents.map((agent, index) => ({ ...defaultPlan, workspace: none, name: 'abc'[index]!, ...agent })),
});

test('an engine at another address than the default socket may have other files', t => {
  const reason = (host: string) => whyElsewhere({ host, env: {} }, { hostName: hostname() }, {});
  t.is(reason('tcp://far:2375'), 'the Docker engine is at tcp://far:2375');
  t.is(
    reason('unix:///run/user/1000/docker.sock'),
    'the Docker engine is at unix:///run/user/1000/docker.sock',
  );
});

test('an engine that runs on a host of another name may have other files', t => {
  const reason = whyElsewhere({ host: '', env: {} }, { hostName: 'far' }, {});
  // In a container the mounts of this process are the reason.
  t.regex(reason ?? '', /^(the Docker engine runs on far, and this process on |this process )/);
});

test('agents without a workspace, mounts and logins mount nothing', t => {
  const stateDir = openStateDir(folder(t));
  const options = { engine, address: far, stateDir };
  t.is(mountsElsewhere(flow({}), options), null);
  const mounted = mountsElsewhere(flow({ workspace: { mode: 'bind', path: '/repo' } }), options);
  t.is(mounted!.reason, 'the Docker engine is at tcp://far:2375');
  t.true(mounted!.mounted.some(({ path, field }) => path === '/repo' && field === 'agents.a.workspace'));
});

test('only the given agents are checked', t => {
  const stateDir = openStateDir(folder(t));
  const plan = flow({ workspace: { mode: 'bind', path: '/repo' } }, {});
  t.is(mountsElsewhere(plan, { engine, address: far, stateDir, agents: [plan.agents[1]!] }), null);
});

test("a path of the engine's machine is not looked for here, and refused if that is this machine", async t => {
  const { docker, calls } = fakeClient();
  const plan = flow({ mounts: [{ source: '/srv/data', target: '/data', readOnly: true, onHost: true }] });
  const options = { docker, engine, stateDir: openStateDir(folder(t)) };
  t.false(await checkFiles(plan, { ...options, address: far }));
  t.deepEqual(calls, []);
  if (whyElsewhere({ host: '', env: {} }, engine, process.env) !== null) return;
  await t.throwsAsync(checkFiles(plan, { ...options, address: { host: '', env: {} } }), {
    message: /agents\.a: "onHost" is for an engine on another machine/,
  });
});

test('no container looks for files where nothing is mounted', async t => {
  const { docker, calls } = fakeClient();
  await checkFiles(flow({}), { docker, engine, address: far, stateDir: openStateDir(folder(t)) });
  t.deepEqual(calls, []);
});
