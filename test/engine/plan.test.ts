import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { fakeDocker, type Place, place, small } from './flow.ts';

const spec = {
  name: "it's a plan",
  agents: {
    first: {
      command: ['sh', '-c', 'cat "$AGENT_PROMPT_FILE" >> done; echo "$NAME"'],
      prompt: "What's $5?\nEND_OF_INPUT\n`x`",
      env: { NAME: 'it is "me"' },
      labels: { team: 'a b' },
      workspace: 'work space, "quoted"',
      ...small,
    },
    'second-one': {
      command: ['true'],
      dependsOn: ['first'],
      network: 'none',
      timeouts: { run: 'none', idle: '5m' },
      workspace: 'workspace',
      ...small,
    },
  },
};

const written = async (here: Place) => {
  await execa('mkdir', ['-p', join(here.path, 'work space, "quoted"')]);
  return here.write(JSON.stringify({ ...spec, name: 'a-plan' }));
};

/** The inspected containers by agent, without the fields that always differ. */
async function inspected(t: ExecutionContext, here: Place, runId: string) {
  const ids = await here.containers([`label=tmux-agents.run-id=${runId}`]);
  const { stdout } = await execa('docker', ['container', 'inspect', ...ids]);
  const found: Record<string, unknown> = {};
  for (const container of JSON.parse(stdout)) {
    const { Id, Config, State } = container;
    t.is(State.Status, 'exited');
    delete State.Health;
    delete container.NetworkSettings.SandboxKey;
    Config.Env.sort();
    const nonce = Config.Env.find((line: string) => line.startsWith('AGENT_NONCE=')).split('=')[1];
    const text = JSON.stringify(container, null, 1)
      .replaceAll(Id, '<id>')
      .replaceAll(Id.slice(0, 12), '<short id>')
      .replaceAll(runId, '<run>')
      .replaceAll(nonce, '<nonce>')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
      // Layers of its own, not those of the image, which stand behind sha256.
      .replaceAll(/(?<!sha256:)\b[0-9a-f]{64}\b/g, '<hash>');
    found[Config.Labels['tmux-agents.agent']] = JSON.parse(text);
  }
  return found;
}

const bash = (here: Place, script: string, env = here.env) => {
  const file = join(here.path, 'plan.sh');
  writeFileSync(file, script);
  return execa('bash', ['-e', file], { cwd: here.path, env, reject: false, all: true, timeout: 600_000 });
};

test('the script of --plan, run with bash -e, makes the containers that a run makes', async t => {
  const here = place(t);
  const file = await written(here);
  const ran = await here.agentFlow(['run', file, '--keep', '--json']);
  t.is(ran.exitCode, 0, ran.stderr);
  const real = await inspected(t, here, ran.json.runId);

  const plan = await here.agentFlow(['run', file, '--keep', '--plan']);
  t.is(plan.exitCode, 0, plan.stderr);
  const script = await bash(here, plan.stdout);
  t.is(script.exitCode, 0, String(script.all));
  const runId = /Run id: (\w+)/.exec(plan.stdout)![1]!;
  const planned = await inspected(t, here, runId);

  t.deepEqual(Object.keys(real).sort(), ['first', 'second-one']);
  t.deepEqual(planned, real);
});

test('--plan starts nothing, and its script without --keep leaves nothing behind', async t => {
  const here = place(t);
  const plan = await here.agentFlow(['run', await written(here), '--plan']);
  t.deepEqual(await here.containers(), []);
  t.is(here.runId(), null);
  const changing = here.shimmed().filter(verb => !['info', 'context', 'image', 'network'].includes(verb));
  t.deepEqual(changing, []);
  t.is((await bash(here, plan.stdout)).exitCode, 0);
  t.deepEqual(await here.containers(), []);
});

test('the script of --plan stops at the first agent that fails', async t => {
  const here = place(t);
  const file = here.write({
    agents: {
      first: { command: ['false'], workspace: 'workspace', ...small },
      second: { command: ['touch', 'reached'], dependsOn: ['first'], workspace: 'workspace', ...small },
    },
  });
  const plan = await here.agentFlow(['run', file, '--plan']);
  const script = await bash(here, plan.stdout);
  t.not(script.exitCode, 0);
  t.is((await execa('ls', [here.workspace])).stdout, '');
});

test('--plan builds the image and creates the network where they are missing', async t => {
  const here = place(t);
  const env = fakeDocker(here, {
    'image inspect': 'echo "Error: No such image" >&2; exit 1',
    'network ls': 'exit 0',
  });
  const { stdout, exitCode } = await here.agentFlow(['run', await written(here), '--plan'], { env });
  t.is(exitCode, 0);
  t.is(stdout.match(/^docker build /gm)?.length, 1);
  t.is(stdout.match(/^docker network create /gm)?.length, 1);
  t.is(stdout.match(/"\$image_1"/g)?.length, 2);
  t.true(stdout.indexOf('docker build') < stdout.indexOf('docker create'));
});

test('--plan without an engine assumes an empty one and reports it', async t => {
  const here = place(t);
  const env = { ...here.env, DOCKER_HOST: `unix://${here.path}/none.sock` };
  const { stdout, stderr, exitCode } = await here.agentFlow(['run', await written(here), '--plan'], { env });
  t.is(exitCode, 0);
  t.regex(stderr, /could not reach the Docker engine.*The plan assumes an engine/);
  t.regex(stdout, /^docker build /m);
});

test('--plan --json prints the same steps as data', async t => {
  const here = place(t);
  const { json } = await here.agentFlow(['run', await written(here), '--plan', '--json']);
  t.is(json.version, 1);
  const verbs = json.steps.filter((step: { agent: string }) => step.agent === 'first');
  t.deepEqual(
    verbs.map((step: { args: string[] }) => step.args[0]),
    ['create', 'start', 'exec', 'wait', 'logs', 'rm'],
  );
  t.deepEqual(verbs[1].args, ['start', { from: verbs[0].prints }]);
  t.true(verbs[2].input.includes('END_OF_INPUT'));
});

test('--plan of an engine that a context leads to, and of a Swarm, names the context', async t => {
  const here = place(t);
  const env = { ...here.env, DOCKER_CONFIG: join(here.path, 'docker') };
  const host = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
  await execa('docker', ['context', 'create', 'build1', `--docker=host=${host}`], { env });
  const planOf = async (more: object) =>
    here.agentFlow(['run', '--plan', here.write(JSON.stringify({ ...more, ...oneAgent }))], { env });

  const placed = await planOf({ target: { context: 'build1' } });
  t.is(placed.exitCode, 0, placed.stderr);
  t.regex(placed.stdout, /^unset DOCKER_HOST\nexport DOCKER_CONTEXT=build1\n/m);
  t.notRegex(placed.stdout, /docker service/);

  const scheduled = await planOf({ target: { swarm: 'build1' }, defaults: { network: 'isolated' } });
  t.is(scheduled.exitCode, 0, scheduled.stderr);
  t.regex(scheduled.stderr, /agents run on the nodes that the Swarm places them on/);
  const at = (command: RegExp) => scheduled.stdout.search(command);
  const order = [
    /^docker service create /m,
    /^network_1=\$\(docker network create/m,
    /^container_one_1=/m,
    /^docker rm /m,
    /^docker service rm /m,
    /^docker network rm "\$network_1"/m,
  ];
  t.deepEqual(
    order.map(at).toSorted((a, b) => a - b),
    order.map(at),
  );
  t.true(at(order[0]!) > 0);
  t.regex(scheduled.stdout, /--reserve-memory=134217728/);
  t.regex(scheduled.stdout, /--driver=overlay \\\n +--attachable /);
});

const oneAgent = { agents: { one: { command: ['true'], workspace: { mode: 'none' }, ...small } } };
