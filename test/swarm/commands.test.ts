import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { eventually, fakeDocker, isRunning, killed, place, small } from '../engine/flow.ts';
import { testLimit } from '../limits.ts';
import { agent } from '../remote/client.ts';
import type { Host } from './hosts.ts';
import { swarmEngines } from './swarm-engines.ts';

const swarm = await swarmEngines(3);
swarm.upForTests();

const [h1, h2, h3] = swarm.hosts as [Host, Host, Host];
const target = { swarm: 'manager' };
const bare = { workspace: { mode: 'none' }, ...small };
const baseImage = 'tmux-agents-base:latest';

/** A client of the Swarm. */
function caller(t: ExecutionContext) {
  t.timeout(testLimit);
  return place(t, swarm.env);
}

const docker = async ({ env }: Host, ...args: string[]) =>
  (await execa('docker', args, { env, timeout: 60_000 })).stdout.trim();
const imageId = (host: Host) => docker(host, 'image', 'inspect', '--format={{.Id}}', baseImage);

/** Have the label of a node name another context until the end of the test. */
async function label(t: ExecutionContext, node: string, context: string) {
  const set = (value: string) =>
    docker(h1, 'node', 'update', `--label-add=agent-flow.context=${value}`, node);
  t.teardown(() => set(node));
  await set(context);
}

test.serial('cleanup releases what a killed run has reserved, once it has no supervisor', async t => {
  const here = caller(t);
  const until = 'until [ -e /tmp/go ]; do sleep 0.2; done';
  const placing = ['node.labels.none==such'];
  const agents = {
    placed: agent(until, bare),
    waiting: agent('true', { ...bare, placement: { constraints: placing } }),
  };
  const reserved = async () => (await docker(h1, 'service', 'ls', '--format={{.Name}}')).split('\n').sort();
  const spec = { target, concurrency: 2, agents };
  const isPending = () =>
    here.journal().some(event => event.type === 'agent.state' && event.state === 'placing.pending');
  const both = () => isRunning(here, 'placed')() && isPending();
  const runId = await killed(here, spec, both);
  const names = await reserved();
  t.is(names.length, 2);

  const dry = await here.agentFlow(['cleanup', '--dry-run', '--json']);
  t.is(dry.exitCode, 0, dry.stderr);
  t.deepEqual(dry.json.reservations.toSorted(), names);
  for (const name of names) t.regex(dry.stderr, new RegExp(`^reservation +${name} +run ${runId}$`, 'm'));
  t.deepEqual(await reserved(), names);
  const { exitCode, json, stderr } = await here.agentFlow(['cleanup', '--json']);
  t.is(exitCode, 0, stderr);
  t.deepEqual(json.reservations.toSorted(), names);
  const instance = readFileSync(join(here.stateDir, 'instance'), 'utf8').trim();
  await eventually(
    async () => (await swarm.nothingLeft(instance)).length === 0,
    'hosts without anything of the run',
  );
});

test.serial('nodes and doctor show the hosts, their agents, and those that cannot be used', async t => {
  const here = caller(t);
  await label(t, 'h2', 'h1');
  await h3.cut();
  t.teardown(async () => {
    await h3.restore();
    await swarm.ready();
  });
  t.teardown(() => execa('docker', ['rm', '--force', 'counted'], { env: h1.env, timeout: 60_000 }));
  const labels = ['--label=tmux-agents=true', '--label=tmux-agents.role=agent'];
  await docker(h1, 'run', '--detach', '--name=counted', ...labels, '--entrypoint=sleep', baseImage, '600');
  const { exitCode, stdout, stderr } = await here.agentFlow(['nodes', '--swarm', 'manager']);
  t.is(exitCode, 0, stderr);
  t.regex(stdout, /^h1 +h1 +ready +manager +\d+ +\S+ +1 +present$/m);
  t.regex(stdout, /^h1 +h2 +ready +worker +\d+ +\S+ +unknown$/m);
  // Swarm notices it later.
  t.regex(stdout, /^h3 +h3 +(ready|down) +worker +\d+ +\S+ +unknown$/m);
  t.regex(stderr, /^node h2: the docker context h1 leads to another engine/m);
  t.regex(stderr, /^node h3: the Docker engine did not respond within 5 s$/m);

  const doctor = await here.agentFlow(['doctor', '--swarm', 'manager', '--json']);
  const status = (wanted: string) =>
    doctor.json.find(({ check, found }: Record<string, string>) => `${check}: ${found}`.startsWith(wanted))
      ?.status;
  t.is(status('docker swarm: agents can be placed on 1 of 3 nodes'), 'ok', doctor.stdout);
  t.is(status('host h1: docker engine: the docker context h1 leads to another engine'), 'warn');
  t.is(status('host h1: limits'), 'ok');
  t.is(status('host h3: docker engine: no response within 5 s'), 'warn');
});

test.serial('a built image is copied to the nodes that lack it', async t => {
  const here = caller(t);
  await docker(h1, 'tag', baseImage, 'original');
  // There is no network for a real build.
  const build = `for arg; do case $arg in --iidfile=*) file=$arg ;; esac; done
    printf 'FROM original\\nLABEL test=built\\n' | "$real" build --quiet --tag=${baseImage} "$file" -
    exit $?`;
  const env = fakeDocker(here, { build });
  await label(t, 'h3', 'h2');
  const args = ['build', '--context', 'h1', '--load-nodes', '--json'];
  const partly = await here.agentFlow(args, { env });
  t.is(partly.exitCode, 3, partly.stderr);
  t.deepEqual(
    partly.json.nodes.map(({ node, status }: Record<string, string>) => [node, status]),
    [
      ['h1', 'present'],
      ['h2', 'loaded'],
      ['h3', 'failed'],
    ],
  );
  t.regex(partly.stderr, /^h2: loaded: tmux-agents-base:latest$/m);
  t.regex(partly.stderr, /not all nodes have tmux-agents-base:latest: h3$/m);
  t.is(await imageId(h2), partly.json.id);
  t.not(await imageId(h3), partly.json.id);

  await label(t, 'h3', 'h3');
  const again = await here.agentFlow(args, { env });
  t.is(again.exitCode, 0, again.stderr);
  t.is(again.json.id, partly.json.id);
  t.deepEqual(
    again.json.nodes.map(({ status }: Record<string, string>) => status),
    ['present', 'present', 'loaded'],
  );
  t.is(await imageId(h3), again.json.id);
});

test.serial('an engine that is no manager is refused', async t => {
  const here = caller(t);
  const { exitCode, stderr } = await here.agentFlow(['nodes', '--context', 'h2']);
  t.is(exitCode, 2, stderr);
  t.regex(stderr, /is a worker of a Docker Swarm, and no manager\. Name the docker context of a manager/);
  const doctor = await here.agentFlow(['doctor', '--swarm', 'h2']);
  t.is(doctor.exitCode, 3);
  t.regex(doctor.stdout, /^fail {2}docker swarm +— the Docker engine at \S+ is a worker/m);
});
