import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { eventually, fakeDocker, isRunning, type Place, place, small } from './flow.ts';
import { alpine, fedora, image, images, ubuntu } from './images.ts';

const worker = (fields: object) => ({ workspace: 'workspace', ...small, ...fields });
/** The docker commands of a run that begin with these words. */
const calls = (here: Place, ...words: readonly string[]) =>
  here
    .journal()
    .flatMap(event => (event.type === 'docker.call' ? [event.argv.slice(1)] : []))
    .filter(argv => words.every((word, index) => argv[index] === word));

const parentImages = [
  {
    title: 'plain Debian',
    dockerfile: 'FROM debian:bookworm-slim',
    user: '0',
    path: /^PATH=.*usr\/local\/bin/m,
  },
  {
    title: 'Ubuntu with its own configuration',
    dockerfile: ubuntu,
    user: '1001',
    path: /^PATH=\/usr\/bin:\/bin:\/usr\/local\/bin$/m,
  },
  {
    title: 'Fedora, whose sh is bash',
    dockerfile: fedora,
    user: '0',
    path: /^PATH=.*usr\/local\/bin/m,
  },
  {
    title: 'Alpine, which has no glibc',
    dockerfile: alpine,
    user: '1000',
    path: /^PATH=.*usr\/local\/bin/m,
  },
];

for (const { title, dockerfile, user, path } of parentImages) {
  test(`an agent runs in ${title} as in the base image: exit code, transcript, attach, cleanup`, async t => {
    const here = place(t);
    const name = await image(t, dockerfile);
    const script =
      'env; id -u; seq 1 20000; echo grüße 🦊; until [ -e /run/agent/go ]; do sleep 0.1; done; exit 7';
    const file = here.write({ agents: { worker: worker({ image: name, command: ['sh', '-c', script] }) } });
    const run = here.start(['run', file, '--json']);
    await eventually(isRunning(here, 'worker'), 'a running agent');
    const [id] = await here.containers();

    const attached = execa('script', ['-qec', `docker exec -it ${id} tmux attach -t agent`, '/dev/null'], {
      stdin: 'pipe',
      reject: false,
      timeout: 600_000,
      env: { TERM: 'xterm' },
    });
    t.teardown(() => attached.kill());
    const shown: Buffer[] = [];
    attached.stdout.on('data', chunk => shown.push(chunk));
    const inside = (...command: string[]) => execa('docker', ['exec', id!, ...command], { reject: false });
    // tmux may move the cursor in the middle of a word; what it redraws is complete.
    const redraw = 'for c in $(tmux list-clients -F "#{client_name}"); do tmux refresh-client -t "$c"; done';
    await eventually(
      async () => (await inside('sh', '-c', redraw)) && Buffer.concat(shown).includes('grüße'),
      'the last line on the screen',
    ).catch(error => {
      throw new Error(
        `${error.message}; it shows ${JSON.stringify(String(Buffer.concat(shown)).slice(-4_000))}`,
      );
    });
    t.is((await inside('agent-health')).exitCode, 0);
    await inside('tmux', 'detach-client', '-s', 'agent');
    t.is((await attached).exitCode, 0);

    const [found] = JSON.parse((await execa('docker', ['inspect', id!])).stdout);
    t.is(found.Config.StopSignal, 'TERM');
    t.deepEqual(found.Config.Healthcheck.Test, ['CMD', 'agent-health']);
    t.is(found.Config.Labels['tmux-agents.image'], 'layer');
    const volumes = found.Mounts.flatMap(({ Type, Name }: { Type: string; Name?: string }) =>
      Type === 'volume' ? [Name] : [],
    );
    await inside('touch', '/run/agent/go');
    const { exitCode, stdout } = await run;
    const { agents } = JSON.parse(String(stdout));
    t.is(exitCode, 1);
    t.is(agents.worker.exitCode, 7, String(stdout));

    const lines = here.transcript('worker').split(/\r?\n/);
    const first = lines.indexOf('1');
    t.deepEqual(
      lines.slice(first, first + 20_000),
      Array.from({ length: 20_000 }, (_, index) => String(index + 1)),
    );
    t.is(lines[first - 1], user);
    t.is(lines[first + 20_000], 'grüße 🦊');
    const env = lines.slice(0, first).join('\n');
    t.regex(env, path);
    t.notRegex(env, /^(AGENT_|LD_|LOCPATH|TERMINFO|LC_)/m);

    t.deepEqual(await here.containers(), []);
    for (const volume of volumes)
      t.not((await execa('docker', ['volume', 'inspect', volume], { reject: false })).exitCode, 0);
  });
}

test('the layer is built once for all agents, and a second run builds nothing', async t => {
  const here = place(t);
  const name = await image(t, 'FROM debian:bookworm-slim');
  const agents = Object.fromEntries(
    ['a', 'b', 'c', 'd'].map(agent => [agent, worker({ image: name, command: ['true'] })]),
  );
  // Another name of the same image is the same image.
  const alias = name.replace('agent-flow-test-image', 'agent-flow-test-alias');
  await execa('docker', ['tag', name, alias]);
  t.teardown(() => execa('docker', ['rmi', alias], { reject: false }));
  const spec = { agents: { ...agents, e: worker({ image: alias, command: ['true'] }) } };
  const { exitCode, stderr, json } = await here.run(spec, ['--concurrency', '5']);
  t.is(exitCode, 0, stderr);
  t.is(calls(here, 'build').filter(argv => argv.some(word => word.endsWith('Dockerfile.layer'))).length, 1);

  const again = place(t);
  const second = await again.run(spec, ['--concurrency', '5']);
  t.is(second.exitCode, 0, second.stderr);
  t.deepEqual([...calls(again, 'build'), ...calls(again, 'pull')], []);
  t.is(second.json.agents.a.image, json.agents.e.image);
});

for (const [title, dockerfile] of Object.entries({ busybox: alpine, bash: fedora })) {
  test(`limits and signals are distinguished where ${title} is the shell`, async t => {
    const here = place(t);
    const name = await image(t, dockerfile);
    const waits = { image: name, command: ['sleep', '300'] };
    const killed = (signal: string) => worker({ image: name, command: ['sh', '-c', `kill -${signal} $$`] });
    const { exitCode, json, stderr } = await here.run({
      agents: {
        late: worker({ ...waits, timeouts: { run: '2s' } }),
        idle: worker({ ...waits, timeouts: { idle: '2s' } }),
        killed: killed('KILL'),
        terminated: killed('TERM'),
      },
    });
    t.is(exitCode, 4, stderr);
    t.is(json.agents.late.error.kind, 'timeout');
    t.is(json.agents.idle.error.kind, 'idle');
    t.is(json.agents.killed.error.kind, 'signal');
    t.is(json.agents.killed.exitCode, 137);
    t.is(json.agents.terminated.error.kind, 'signal');
    t.is(json.agents.terminated.exitCode, 143);
  });
}

test('an image runs agents whatever its configuration, or is refused with the error of its container', async t => {
  const here = place(t);
  const base = 'FROM tmux-agents-base:latest\n';
  const recipes = {
    service: 'FROM debian:bookworm-slim\nENV SHELL=/bin/false TMUX=/no/such/socket,1,0\nUSER nobody',
    own: `${base}ENV PATH=/opt/tool/bin:/usr/bin\nRUN echo nonsense >/etc/tmux.conf\nCMD ["--nonsense"]`,
    locked: `${base}RUN chmod 755 /tmp\nUSER nobody`,
    gutted: `${base}RUN rm /usr/local/bin/agent-init`,
  };
  const made = Object.entries(recipes).map(
    async ([agent, recipe]) => [agent, worker({ image: await image(t, recipe), command: ['true'] })] as const,
  );
  const { json, stderr } = await here.run({ agents: Object.fromEntries(await Promise.all(made)) }, [
    '--concurrency',
    '4',
  ]);
  t.is(json.agents.service.status, 'succeeded', stderr);
  t.is(json.agents.own.status, 'succeeded', stderr);
  t.is(
    json.agents.locked.error.message,
    'the container cannot run agents: cannot start tmux: /tmp must be a directory that its user may write to',
  );
  t.regex(json.agents.gutted.error.message, /^the container cannot run agents: exec agent-init failed: /);
  t.deepEqual(await here.containers(), []);
});

test("root in the spec overrides the image's user", async t => {
  const here = place(t);
  const name = await image(t, alpine);
  const { exitCode, stderr } = await here.run({
    agents: { root: worker({ image: name, user: 'root', command: ['sh', '-c', 'test "$(id -u)" = 0'] }) },
  });
  t.is(exitCode, 0, stderr);
});

test('ONBUILD triggers of an image do not run, and only the layer is kept', async t => {
  const here = place(t);
  const name = await image(t, 'FROM debian:bookworm-slim\nONBUILD COPY absent /absent\nONBUILD RUN exit 3');
  const { exitCode, stderr } = await here.run({
    agents: { worker: worker({ image: name, command: ['true'] }) },
  });
  t.is(exitCode, 0, stderr);
  const [plain] = calls(here, 'commit').map(argv => argv.at(-1)!);
  t.deepEqual(await images(plain!), []);
  const [made] = calls(here, 'create').map(argv => argv[1]!.replace('--name=', ''));
  t.not((await execa('docker', ['container', 'inspect', made!], { reject: false })).exitCode, 0);
});

test('an image for another platform is refused by name', async t => {
  const here = place(t);
  const name = 'agent-flow-test-image:another-platform';
  const folder = join(here.path, 'image');
  mkdirSync(folder);
  const config = { architecture: 's390x', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [] } };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: [] }]),
  );
  await execa('tar', ['-cf', 'image.tar', 'config.json', 'manifest.json'], { cwd: folder });
  await execa('docker', ['load', '--input', join(folder, 'image.tar')]);
  t.teardown(() => execa('docker', ['rmi', name], { reject: false }));
  const { exitCode, json } = await here.run({
    agents: { worker: worker({ image: name, command: ['true'] }) },
  });
  t.is(exitCode, 1);
  t.is(json.agents.worker.error.kind, 'image');
  t.regex(
    json.agents.worker.error.message,
    /another-platform cannot run agents: it is for linux\/s390x, and this engine runs linux/,
  );
  t.deepEqual(
    calls(here, 'build').filter(argv => argv.some(word => word.endsWith('.layer'))),
    [],
  );
});

test('agents that share a build run in its image, which is built once', async t => {
  const here = place(t);
  const context = join(here.path, 'image');
  mkdirSync(context);
  writeFileSync(join(context, 'greeting'), 'hello');
  writeFileSync(
    join(context, 'Containerfile'),
    'FROM debian:bookworm-slim AS tools\nARG WHOM\nCOPY greeting /greeting\nRUN echo "$WHOM" >>/greeting\nFROM tools AS last\nRUN exit 9\n',
  );
  const build = { context: 'image', dockerfile: 'Containerfile', args: { WHOM: 'world' }, target: 'tools' };
  const command = ['sh', '-c', 'test "$(cat /greeting)" = helloworld'];
  const { exitCode, json, stderr } = await here.run(
    { defaults: { build, command }, agents: { a: worker({}), b: worker({}) } },
    ['--concurrency', '2'],
  );
  const [tag = ''] = calls(here, 'build').flatMap(argv =>
    argv.filter(word => word.startsWith('--tag=tmux-agents-build:')).map(word => word.slice('--tag='.length)),
  );
  t.teardown(() => execa('docker', ['rmi', json.agents.a.image, tag], { reject: false }));
  t.is(exitCode, 0, stderr);
  t.regex(tag, /^tmux-agents-build:[0-9a-f]{32}$/);
  t.is(calls(here, 'build').filter(words => words.includes(`--tag=${tag}`)).length, 1);
  const [built] = JSON.parse((await execa('docker', ['image', 'inspect', tag])).stdout);
  t.deepEqual(built.Config.Labels, { 'tmux-agents.image': 'build' });
});

test('a failed build fails its agent with the last lines of its output', async t => {
  const here = place(t);
  writeFileSync(
    join(here.path, 'Dockerfile'),
    'FROM debian:bookworm-slim\nRUN echo the reason is this; exit 3\n',
  );
  const { exitCode, json } = await here.run({
    agents: { built: worker({ build: {}, command: ['true'] }), other: worker({ command: ['true'] }) },
  });
  t.is(exitCode, 1);
  t.is(json.agents.other.status, 'succeeded');
  const { phase, kind, message } = json.agents.built.error;
  t.is(phase, 'building');
  t.is(kind, 'image');
  t.regex(message, /^could not build the image of .*Dockerfile: .*returned a non-zero code: 3|exit code: 3/);
  t.regex(message, /the reason is this/);
  t.deepEqual(await here.containers(), []);
});

test('an engine without GPUs ends the run with 3 before anything is built, after a single check', async t => {
  const here = place(t);
  const env = fakeDocker(here, {
    // Some machines that run the tests have GPUs.
    run: `echo 'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]]' >&2; exit 125`,
  });
  const { exitCode, json } = await here.run(
    {
      agents: {
        a: worker({ gpus: 'all', command: ['true'], retries: 2 }),
        b: worker({ gpus: 1, command: ['true'] }),
      },
    },
    ['--concurrency', '2'],
    { env },
  );
  t.is(exitCode, 3);
  for (const { error, attempts } of [json.agents.a, json.agents.b]) {
    t.is(error.kind, 'gpu');
    t.regex(error.message, /Install the NVIDIA driver and the NVIDIA Container Toolkit/);
    t.is(attempts.length, 1);
  }
  t.is(calls(here, 'run').length, 1);
  t.deepEqual(
    calls(here, 'build').filter(argv => argv.some(word => word.endsWith('Dockerfile.gpu'))),
    [],
  );
  t.false(existsSync(join(here.stateDir, 'runs', here.runId()!, 'build-tmux-agents-base-gpu-latest.log')));
});

test('build --gpu builds the image with CUDA, or from a given base', async t => {
  const here = place(t);
  const log = join(here.path, 'built');
  const env = fakeDocker(here, {
    build: `echo "$*" >>'${log}'; exit`,
    'image inspect': `echo '[{"Id":"sha256:made"}]'; exit`,
  });
  const { exitCode, json } = await here.agentFlow(
    ['build', '--gpu', '--base-image', 'debian:bookworm-slim', '--json'],
    { env },
  );
  t.is(exitCode, 0);
  t.deepEqual(json, { image: 'tmux-agents-base-gpu:latest', id: 'sha256:made' });
  const built = readFileSync(log, 'utf8');
  for (const word of [
    '--tag=tmux-agents-base-gpu:latest',
    '--label=tmux-agents.image=gpu',
    '/docker/Dockerfile.gpu ',
    '--build-arg=BASE_IMAGE=debian:bookworm-slim',
  ])
    t.true(built.includes(word), `${word} in ${built}`);
});
