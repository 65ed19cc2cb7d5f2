import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { providerNamed } from '../../../src/providers/catalogue.ts';
import { ai } from '../_helpers/provider.ts';
import { directory, parse, plan } from '../_helpers/spec.ts';

test('an agent with only a command gets the defaults', async t => {
  t.deepEqual(await parse({ agents: { a: { command: ['npm', 'test'] } } }), {
    name: 'flow',
    concurrency: null,
    agents: [
      {
        name: 'a',
        dependsOn: [],
        provider: 'command',
        command: ['npm', 'test'],
        stdin: 'terminal',
        interactive: null,
        report: null,
        settings: [],
        prompt: null,
        image: null,
        build: null,
        user: null,
        gpus: null,
        workspace: { mode: 'bind', path: directory },
        artifacts: [],
        network: { mode: 'bridge', name: 'tmux-agents' },
        mounts: [],
        auth: { files: [], sshAgent: null },
        env: {},
        secrets: [],
        security: { capabilities: [], noNewPrivileges: true, pids: 4096, log: 201_326_592 },
        labels: {},
        memory: 4_294_967_296,
        cpus: null,
        timeouts: {
          build: 1_800_000,
          ready: 60_000,
          run: 7_200_000,
          idle: null,
          stalled: 60_000,
          stop: 10_000,
        },
        retries: 0,
        keep: 'never',
        done: 'exit',
      },
    ],
  });
});

test("an AI CLI is started unattended, reads its prompt, and gets the caller's logins", async t => {
  const home = join(directory, 'home');
  for (const folder of ['.claude', '.ssh', '.config/gcloud'])
    await mkdir(join(home, folder), { recursive: true });
  for (const file of ['.claude/.credentials.json', '.gitconfig']) await writeFile(join(home, file), '{}');
  const env = { HOME: home, ANTHROPIC_API_KEY: 'key', ANTHROPIC_BASE_URL: 'http://stub', OTHER: 'x' };
  const [agent] = (
    await parse(
      {
        defaults: { provider: 'claude', prompt: 'Go', auth: { login: 'direct' } },
        agents: { a: { model: 'opus', args: ['--max-turns', '3'] } },
      },
      env,
    )
  ).agents;
  t.deepEqual(agent!.command, [
    'claude',
    ...providerNamed('claude')!.headless.args,
    ...providerNamed('claude')!.customization.trust!.untrusted.args!,
    ...['--model', 'opus', '--max-turns', '3'],
  ]);
  t.like(agent, { provider: 'claude', stdin: 'prompt', prompt: 'Go' });
  t.deepEqual(agent!.secrets, [{ name: 'ANTHROPIC_API_KEY', file: null }]);
  t.is(agent!.env.ANTHROPIC_BASE_URL, 'http://stub');
  t.false('OTHER' in agent!.env);
  const own = ({ uid }: { uid: number }) => uid !== 0;
  t.deepEqual(agent!.auth, {
    files: [
      { source: join(home, '.claude/.credentials.json'), home: '.claude/.credentials.json', isCopied: true },
      { source: join(home, '.config/gcloud'), home: '.config/gcloud', isCopied: false },
      { source: join(home, '.gitconfig'), home: '.gitconfig', isCopied: false },
      { source: join(home, '.ssh'), home: '.ssh', isCopied: own(await stat(home)) },
    ],
    sshAgent: null,
    login: { mode: 'direct', reason: null },
  });

  const narrowed = { provider: 'claude', prompt: 'Go', auth: { ssh: 'off', git: false, login: 'off' } };
  const [narrow] = (await parse({ agents: { a: narrowed } }, env)).agents;
  t.deepEqual(
    narrow!.auth.files.map(file => file.home),
    ['.config/gcloud'],
  );
  t.deepEqual([narrow!.secrets, narrow!.env.ANTHROPIC_BASE_URL], [[], undefined]);
  const [off] = (await parse({ agents: { a: { ...narrowed, auth: 'off' } } }, env)).agents;
  t.deepEqual(off!.auth, { files: [], sshAgent: null, login: { mode: 'off' } });
});

test('"done" accepts an idle time or a file', async t => {
  const doneBy = async (done: unknown) =>
    (await parse({ agents: { a: { command: ['x'], done } } })).agents[0]!.done;
  t.deepEqual(await doneBy({ idle: '5m' }), { idle: 300_000 });
  t.deepEqual(await doneBy({ file: './out//done.json' }), { file: 'out/done.json' });
});

test("a command gets none of the caller's logins except those that it names", async t => {
  const home = join(directory, 'at-home');
  await mkdir(join(home, '.ssh'), { recursive: true });
  await writeFile(join(home, '.gitconfig'), '');
  const env = { HOME: home, ANTHROPIC_API_KEY: 'key' };
  t.deepEqual((await plan({}, { env })).auth.files, []);
  t.deepEqual((await plan({}, { env })).secrets, []);
  const { auth } = await plan({ auth: { git: true, ssh: 'keys', claude: true } }, { env });
  t.deepEqual(
    auth.files.map(file => file.home),
    ['.gitconfig', '.ssh'],
  );
});

test('an agent with its own command ignores the provider of the defaults', async t => {
  const { agents } = await parse({
    defaults: { provider: 'claude' },
    agents: { fixer: { prompt: 'x' }, tests: { command: ['npm', 'test'] } },
  });
  t.deepEqual(
    agents.map(({ provider }) => provider),
    ['claude', 'command'],
  );
  t.deepEqual(agents[1]!.command, ['npm', 'test']);
});

test('the fields of an agent are used as given', async t => {
  const fields = {
    provider: 'command',
    image: 'node:22-slim',
    network: { name: 'mine' },
    env: { A: '1' },
    labels: { 'my.label': 'x' },
    memory: '512m',
    cpus: 0.5,
    timeouts: { build: '1m', ready: '2s', run: '3s', idle: '4s', stop: '5s' },
    retries: 10,
    keep: 'on-failure',
    done: 'signal',
    prompt: ' p\n',
    user: 'root',
  };
  t.like(await plan(fields), {
    image: 'node:22-slim',
    network: { mode: 'bridge', name: 'mine' },
    env: { A: '1' },
    labels: { 'my.label': 'x' },
    memory: 512 * 2 ** 20,
    cpus: 0.5,
    timeouts: { build: 60_000, ready: 2000, run: 3000, idle: 4000, stop: 5000 },
    retries: 10,
    keep: 'on-failure',
    done: 'signal',
    prompt: ' p\n',
  });
});

test('defaults apply to every agent that does not override them', async t => {
  const defaults = {
    command: ['d'],
    memory: '1g',
    cpus: 3,
    retries: 2,
    keep: 'always',
    done: 'signal',
    image: 'alpine',
    network: 'none',
    prompt: 'p',
  };
  const { agents } = await parse({
    defaults,
    agents: {
      a: {},
      b: {
        command: ['x'],
        memory: '2g',
        cpus: 1,
        retries: 0,
        keep: 'never',
        done: 'exit',
        network: 'shared',
      },
    },
  });
  t.like(agents[0], {
    command: ['d'],
    memory: 2 ** 30,
    cpus: 3,
    retries: 2,
    keep: 'always',
    done: 'signal',
    image: 'alpine',
    network: { mode: 'none' },
    prompt: 'p',
  });
  t.like(agents[1], {
    command: ['x'],
    memory: 2 ** 31,
    cpus: 1,
    retries: 0,
    keep: 'never',
    done: 'exit',
    image: 'alpine',
    network: { mode: 'bridge', name: 'tmux-agents' },
  });
});

test('the hosts of an agent are sorted and deduplicated, and replace those of the defaults', async t => {
  const defaults = { network: { allow: ['d.example.com'] } };
  t.deepEqual((await plan({}, { defaults })).network, { mode: 'allow', hosts: ['d.example.com'] });
  const own = { allow: ['b.example.com:8443', '*.example.org', 'a.example.com', '*.example.org'] };
  t.deepEqual((await plan({ network: own }, { defaults })).network, {
    mode: 'allow',
    hosts: ['*.example.org', 'a.example.com', 'b.example.com:8443'],
  });
  t.deepEqual((await plan({ network: 'isolated' }, { defaults })).network, { mode: 'isolated' });
});

test('env, labels and timeouts of the defaults are merged key by key', async t => {
  const defaults = {
    env: { A: '1', B: '1' },
    labels: { x: '1', y: '1' },
    timeouts: { run: '1s', idle: '1s' },
  };
  t.like(await plan({ env: { B: '2' }, labels: { y: '2' }, timeouts: { run: '2s' } }, { defaults }), {
    env: { A: '1', B: '2' },
    labels: { x: '1', y: '2' },
    timeouts: { run: 2000, idle: 1000, stop: 10_000 },
  });
});

test('an agent can remove the time limits of the defaults', async t => {
  const { timeouts } = await plan(
    { timeouts: { run: 'none', idle: 'none' } },
    { defaults: { timeouts: { idle: '1s' } } },
  );
  t.is(timeouts.run, null);
  t.is(timeouts.idle, null);
});

test("an agent's own prompt replaces the default one, in either form", async t => {
  await writeFile(join(directory, 'own.md'), 'from a file');
  t.is((await plan({ promptFile: 'own.md' }, { defaults: { prompt: 'd' } })).prompt, 'from a file');
  t.is((await plan({ prompt: 'own' }, { defaults: { promptFile: 'own.md' } })).prompt, 'own');
  t.is((await plan({}, { defaults: { promptFile: 'own.md' } })).prompt, 'from a file');
});

test("a build has defaults, and an agent's own image or build replaces the default one", async t => {
  await mkdir(join(directory, 'image'));
  await writeFile(join(directory, 'image', 'Containerfile'), 'FROM scratch');
  const build = { context: 'image', dockerfile: 'Containerfile', args: { VERSION: '3' }, target: 'tools' };
  const built = { ...build, context: join(directory, 'image') };
  t.deepEqual((await plan({ build })).build, built);
  t.like(await plan({ build }, { defaults: { image: 'alpine' } }), { image: null, build: built });
  t.like(await plan({ image: 'alpine' }, { defaults: { build } }), { image: 'alpine', build: null });
  t.like(await plan({}, { defaults: { build } }), { image: null, build: built });
  await writeFile(join(directory, 'Dockerfile'), 'FROM scratch');
  t.deepEqual((await plan({ build: {} })).build, {
    context: directory,
    dockerfile: 'Dockerfile',
    args: {},
    target: null,
  });
});

test('gpus may be all, a number, or a list of devices', async t => {
  for (const gpus of ['all', 2, { device: ['0', 'GPU-3faa8b2e', '1:0'] }])
    t.deepEqual((await plan({ gpus })).gpus, gpus);
});

test('the user is taken from the spec, or left to the image', async t => {
  t.deepEqual((await plan({ user: 'root' })).user, { uid: 0, gid: 0 });
  t.deepEqual((await plan({ user: '1000:100' })).user, { uid: 1000, gid: 100 });
  t.deepEqual((await plan({ user: 'host' })).user, { uid: process.getuid!(), gid: process.getgid!() });
  t.is((await plan({})).user, null);
});

test('a prompt file is read exactly, and not interpolated', async t => {
  const text = '\uFEFF${HOME} $${X}\r\n\n';
  await writeFile(join(directory, 'exact.md'), text);
  t.is((await plan({ promptFile: 'exact.md' })).prompt, text);
});

test('agents keep the order of the file, even if their names look like numbers', async t => {
  const { agents } = await parse(
    '{"agents": {"10": {"command": ["x"]}, "b": {"command": ["x"]}, "9": {"command": ["x"]}}}',
  );
  t.deepEqual(
    agents.map(({ name }) => name),
    ['10', 'b', '9'],
  );
});

test('an agent may be named like an inherited property of objects', async t => {
  const { agents } = await parse({
    agents: { constructor: { command: ['x'] }, b: { command: ['x'], dependsOn: ['constructor'] } },
  });
  t.deepEqual(
    agents.map(({ name }) => name),
    ['constructor', 'b'],
  );
});

test('comments, trailing commas and a byte order mark are allowed', async t => {
  const text =
    '\uFEFF// a flow\n{ "$schema": "https://x", /* one */ "agents": {"a": {"command": ["x",],},}, }\n';
  t.is((await parse(text)).agents.length, 1);
});

test('a target is part of the plan only if the spec has one', async t => {
  const agents = { a: { command: ['x'] } };
  t.deepEqual((await parse({ target: { context: 'build1' }, agents })).target, { context: 'build1' });
  t.false('target' in (await parse({ agents })));
});

test('a plan is plain data', async t => {
  const flow = await parse({ concurrency: 2, agents: { a: { command: ['x'], env: { A: 'b' } } } });
  t.deepEqual(JSON.parse(JSON.stringify(flow)), flow);
  t.is(flow.concurrency, 2);
});

for (const name of ['a:b', 'a,src=', 'with space', `qu"o'te`, 'emoji 🦊']) {
  test(`a workspace may be called ${name}`, async t => {
    const path = join(directory, 'odd', name);
    await mkdir(path, { recursive: true });
    t.deepEqual((await plan({ workspace: `odd/${name}` })).workspace, { mode: 'bind', path });
    t.deepEqual((await plan({ workspace: { path } })).workspace, { mode: 'bind', path });
  });
}

test('the path of a workspace is resolved to its real path', async t => {
  await mkdir(join(directory, 'real'));
  await symlink('real', join(directory, 'link'));
  t.deepEqual((await plan({ workspace: { mode: 'bind', path: 'link' } })).workspace, {
    mode: 'bind',
    path: join(directory, 'real'),
  });
  t.deepEqual((await plan({}, { defaults: { workspace: 'link' } })).workspace, {
    mode: 'bind',
    path: join(directory, 'real'),
  });
});

for (const image of [
  'node',
  'node:22-slim',
  'ghcr.io/me/x.y_z--a:1.2',
  'localhost:5000/x',
  `x@sha256:${'a'.repeat(64)}`,
]) {
  test(`the image ${image.slice(0, 30)} is accepted`, async t => t.is((await plan({ image })).image, image));
}

test('a budget of tokens is refused for a CLI that does not report them', async t => {
  const budget = { outputTokens: 3 };
  for (const name of ['copilot', 'amp', 'aider']) {
    await t.throwsAsync(ai(name, { budget }), { message: new RegExp(`${name} does not report its usage`) });
    await t.throwsAsync(ai(name, { budget: { turns: 3 } }), { message: /does not report its turns/ });
    t.deepEqual((await ai(name, { budget: { wall: '1m' } })).report?.budget, { wall: 60_000 });
  }
  t.deepEqual((await ai('opencode', { budget })).report?.budget, budget);
});

test('a budget of tokens is accepted for a CLI that does not report them, if the broker counts them', async t => {
  const env = {
    HOME: '/nonexistent',
    KIMI_MODEL_API_KEY: 'dummy-key',
    KIMI_MODEL_BASE_URL: 'https://kimi.example/v1',
  };
  const brokered = { auth: { login: 'brokered' } };
  for (const budget of [{ outputTokens: 3 }, { usd: 1 }])
    t.deepEqual((await ai('kimi', { ...brokered, budget }, env)).report?.budget, budget);
  await t.throwsAsync(ai('kimi', { ...brokered, budget: { turns: 3 } }, env), {
    message: /agents\.a\.budget\.turns: kimi does not report its turns/,
  });
});

test('the model is part of the configuration of the report: of the spec, of its arguments, or the default', async t => {
  const model = async (name: string, fields = {}) => (await ai(name, fields)).report?.model;
  t.is(await model('codex'), 'gpt-6.2-sol');
  t.is(await model('codex', { model: 'gpt-5.4' }), 'gpt-5.4');
  t.is(await model('codex', { args: ['--model', 'gpt-5.4'] }), 'gpt-5.4');
  t.is(await model('codex', { args: ['--model=gpt-5.4', '--verbose'] }), 'gpt-5.4');
  for (const args of [
    ['--profile', 'cheap'],
    ['-m', 'gpt-5.4'],
    ['--config=model="x"'],
    ['--oss'],
    ['--model'],
  ])
    t.is(await model('codex', { args }), undefined, args.join(' '));
  t.is(await model('claude'), undefined);
  t.is(await model('claude', { model: 'opus' }), 'opus');
});

test('a budget in dollars is that of an agent, or of the run', async t => {
  t.deepEqual((await ai('claude', { budget: { usd: 0.5, turns: 3 } })).report?.budget, {
    usd: 0.5,
    turns: 3,
  });
  const flow = await parse({ budget: { usd: 5 }, agents: { a: { command: ['x'] } } });
  t.is(flow.maxUsd, 5);
  t.false('maxUsd' in (await parse({ agents: { a: { command: ['x'] } } })));
});

test('an agent that waits for a lost host has no grace period, others ten minutes unless it is set', async t => {
  for (const fields of [{}, { onHostLost: 'wait' }]) {
    const waiting = await plan(fields);
    t.false('onHostLost' in waiting || 'hostGrace' in waiting);
  }
  t.like(await plan({ onHostLost: 'retry' }), { onHostLost: 'retry', hostGrace: 600_000 });
  t.like(await plan({ onHostLost: 'fail', hostGrace: '1m' }), { onHostLost: 'fail', hostGrace: 60_000 });
});

test('the grace period of a lost host may be shared by agents of which some wait', async t => {
  const defaults = { onHostLost: 'retry', hostGrace: '90s' };
  t.like(await plan({}, { defaults }), { onHostLost: 'retry', hostGrace: 90_000 });
  t.false('hostGrace' in (await plan({ onHostLost: 'wait' }, { defaults })));
  t.like(await plan({ hostGrace: '2m' }, { defaults }), { hostGrace: 120_000 });
  t.false('hostGrace' in (await plan({}, { defaults: { hostGrace: '2m' } })));
});
