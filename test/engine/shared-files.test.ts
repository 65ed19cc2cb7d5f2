import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type ListenOptions } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { dockerCli } from '../../src/docker/cli.ts';
import { nullRecorder } from '../../src/docker/recorder.ts';
import { askEngine } from '../../src/preflight/check-files.ts';
import { contentProof } from '../../src/preflight/file-proofs.ts';
import { type AskEngine, unsharedPaths } from '../../src/preflight/shared-files.ts';
import { bin, eventually, isRunning, type Place, place, small } from './flow.ts';

/** Run a shell line in a mount namespace of its own, in which these directories differ from the engine's. */
function apart(here: Place, folders: readonly string[], line: string, env: NodeJS.ProcessEnv = {}) {
  const own = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const mounts = folders.map(
    folder => `mkdir -p '${folder}' && mount -t tmpfs -o mode=700 tmpfs '${folder}' && `,
  );
  return execa('unshare', [...own, 'bash', '-c', `${mounts.join('')}{ ${line}; }`], {
    env: { ...here.env, AGENT_FLOW: `${process.execPath} ${bin}`, ...env },
    cwd: here.path,
    reject: false,
    stdin: 'ignore',
    timeout: 300_000,
  });
}

const agent = (more: object) => ({ agents: { worker: { command: ['cat', 'mark'], ...small, ...more } } });

/** A place whose workspace has a file `mark`, and is a repository. */
async function setUp(t: ExecutionContext, more: NodeJS.ProcessEnv = {}) {
  const here = place(t, more);
  writeFileSync(join(here.workspace, 'mark'), 'mine\n');
  const git = ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid'];
  await execa('git', ['init', '--quiet'], { cwd: here.workspace });
  await execa('git', ['add', 'mark'], { cwd: here.workspace });
  await execa('git', [...git, 'commit', '--quiet', '--message=first'], { cwd: here.workspace });
  return here;
}

const runs = ({ stateDir }: Place) =>
  existsSync(join(stateDir, 'runs')) ? readdirSync(join(stateDir, 'runs')) : [];

test('a path at which the engine has other files is refused before anything starts, whatever mounts it', async t => {
  const here = await setUp(t);
  const plain = join(here.path, 'plain');
  const below = join(plain, 'below');
  const home = join(here.path, 'home');
  mkdirSync(below, { recursive: true });
  mkdirSync(home);
  writeFileSync(join(home, '.gitconfig'), '[user]\n');
  const none = { mode: 'none' };
  const cases: [string, RegExp, object][] = [
    [plain, /^agent-flow: agents\.worker\.workspace: at \S+\/plain the/m, { workspace: 'plain' }],
    [below, /^agent-flow: agents\.worker\.workspace: at \S+\/plain\/below the/m, { workspace: 'plain' }],
    [
      plain,
      /^agent-flow: agents\.worker\.mounts\[0\]\.source: at \S+\/plain the/m,
      { workspace: none, mounts: [{ source: plain, target: '/m' }] },
    ],
    [here.stateDir, /needs the state directory, and at .*--state-dir; or /s, { workspace: 'workspace' }],
  ];
  for (const [folder, message, more] of cases) {
    const file = here.write(agent(more));
    const line = `touch '${folder}/.gitconfig'; $AGENT_FLOW run '${file}'; echo "code $?"; ls state/runs; ls -A '${folder}'`;
    const found = await apart(here, [folder], line, { HOME: home });
    t.regex(found.stdout, /^code 2$/m, found.stderr);
    t.notRegex(found.stdout, /^r\w{7}$|\.agent-flow-/m);
    t.regex(found.stderr, message);
    t.regex(found.stderr, /; or give both the same files at the same paths$/m);
    t.notRegex(found.stderr, /building/);
  }
});

test('"copy" needs no shared files, and shared files are found to be the same', async t => {
  const here = await setUp(t);
  const state = join(here.path, 'elsewhere');
  const copy = here.write(agent({ workspace: { mode: 'copy', path: 'workspace' } }));
  const copied = await apart(here, [state], `$AGENT_FLOW run '${copy}' --state-dir '${state}' --json`);
  t.is(copied.exitCode, 0, copied.stderr);
  for (const workspace of ['workspace', { mode: 'clone', path: 'workspace' }]) {
    const file = here.write(agent({ workspace }));
    const { exitCode, stderr } = await apart(here, [], `$AGENT_FLOW run '${file}'`);
    t.is(exitCode, 0, stderr);
  }
});

test('a clone is sent to an engine with other files, whichever of them it lacks', async t => {
  const here = await setUp(t);
  const file = here.write(
    agent({
      command: ['sh', '-c', 'cat mark; echo more >file'],
      workspace: { mode: 'clone', path: 'workspace' },
    }),
  );
  const folder = join(here.path, 'elsewhere');
  const { exitCode, stderr } = await apart(
    here,
    [folder],
    `$AGENT_FLOW run '${file}' --state-dir '${folder}' --json >result`,
  );
  t.is(exitCode, 0, stderr);
  const { branch } = JSON.parse(readFileSync(join(here.path, 'result'), 'utf8')).agents.worker.workspace;
  const { stdout } = await execa('git', ['show', `${branch}:file`], { cwd: here.workspace });
  t.is(stdout, 'more');
});

/** Another endpoint of the machine's engine. */
async function forwarded(t: ExecutionContext, options: ListenOptions) {
  const server = createServer({ allowHalfOpen: true }, client => {
    const engine = connect({ path: '/var/run/docker.sock', allowHalfOpen: true });
    for (const socket of [client, engine]) socket.on('error', () => {});
    client.pipe(engine).pipe(client);
  });
  await new Promise<void>(resolve => server.listen(options, resolve));
  t.teardown(() => server.close());
  return server.address();
}

test('an engine at another address with the same files is accepted: a forwarded socket, and tcp', async t => {
  const path = join(place(t).path, 'docker.sock');
  await forwarded(t, { path });
  const { port } = (await forwarded(t, { host: '127.0.0.1', port: 0 })) as AddressInfo;
  for (const DOCKER_HOST of [`unix://${path}`, `tcp://127.0.0.1:${port}`]) {
    const here = await setUp(t, { DOCKER_HOST });
    const run = await here.run(agent({ workspace: 'workspace' }));
    t.is(run.exitCode, 0, run.stderr);
    t.regex(here.transcript('worker'), /^mine$/m);
    t.true(here.shimmed().includes('run'));
  }
});

test('an engine behind ssh is accepted with the same files and refused with others', async t => {
  const here = await setUp(t);
  // The command that ssh would run on the other machine.
  writeFileSync(
    join(here.path, 'bin', 'ssh'),
    '#!/bin/sh\nunset DOCKER_HOST\nexec docker system dial-stdio\n',
    { mode: 0o755 },
  );
  const env = { ...here.env, DOCKER_HOST: 'ssh://me@engine.invalid' };
  const file = here.write(agent({ workspace: 'workspace' }));
  const run = await here.agentFlow(['run', file], { env });
  t.is(run.exitCode, 0, run.stderr);
  const { stdout, stderr } = await apart(
    here,
    [here.stateDir],
    `$AGENT_FLOW run '${file}'; echo "code $?"`,
    env,
  );
  t.regex(stdout, /^code 2$/m, stderr);
  t.regex(
    stderr,
    /the Docker engine is at ssh:\/\/me@engine\.invalid\. Name another state directory with --state-dir; or give/,
  );
});

test('an engine at another address with other files is refused, also for a dry run', async t => {
  const { port } = (await forwarded(t, { host: '127.0.0.1', port: 0 })) as AddressInfo;
  const here = await setUp(t, { DOCKER_HOST: `tcp://127.0.0.1:${port}` });
  const plain = join(here.path, 'plain');
  const file = here.write(agent({ workspace: 'plain' }));
  mkdirSync(plain);
  const { stdout, stderr } = await apart(here, [plain], `$AGENT_FLOW run '${file}'; echo "code $?"`);
  t.regex(stdout, /^code 2$/m, stderr);
  t.regex(stderr, /the Docker engine is at tcp:\/\/127\.0\.0\.1:\d+\. Use "mode"/);
  const plan = await here.agentFlow(['run', file, '--plan']);
  t.is(plan.exitCode, 0, plan.stderr);
  t.regex(plan.stderr, /tcp:\/\/127\.0\.0\.1:\d+: a run first checks/);
  t.deepEqual(runs(here), []);
});

test('doctor reports the directories at which the engine has other files', async t => {
  const here = await setUp(t);
  const { stdout } = await apart(here, [here.stateDir], '$AGENT_FLOW doctor; true');
  t.regex(
    stdout,
    /^warn {2}shared files .*other files, or none, at \S+\/state\n {6}→ .*"mode": "clone" or "copy"/m,
  );
  const same = await apart(here, [], '$AGENT_FLOW doctor; true');
  t.regex(same.stdout, /^ok {4}shared files .*the same files as this process$/m);
});

test('resume refuses an engine that has other files than at the start of the run, and continues on one with the same', async t => {
  const here = await setUp(t);
  const plain = join(here.path, 'plain');
  mkdirSync(plain);
  const command = ['sh', '-c', 'until [ -e go ]; do sleep 0.1; done; exit 5'];
  const file = here.write(agent({ command, workspace: 'plain' }));
  const engine = here.start(['run', file]);
  await eventually(isRunning(here, 'worker'), 'the running agent');
  engine.kill('SIGKILL');
  await engine;
  const refused = await apart(here, [plain], '$AGENT_FLOW resume; echo "code $?"');
  t.regex(refused.stdout, /^code 2$/m, refused.stderr);
  t.regex(refused.stderr, /agents\.worker\.workspace: at \S+\/plain the Docker engine has other files/);
  t.is((await here.containers()).length, 1);
  writeFileSync(join(plain, 'go'), '');
  const resumed = await here.agentFlow(['resume', '--json']);
  t.is(resumed.json.agents.worker.exitCode, 5, resumed.stderr);
  t.is(readFileSync(join(plain, 'go'), 'utf8'), '');
});

test('the files of an engine with another kernel are compared by random names and by content', async t => {
  const here = await setUp(t);
  const base = join(here.path, 'base');
  for (const name of ['empty', 'list']) mkdirSync(join(base, name), { recursive: true });
  for (const name of ['file', 'list/a b', 'list/-x']) writeFileSync(join(base, name), name);
  const engine = askEngine({
    docker: dockerCli(nullRecorder),
    engine: { isRemapped: false },
    timeout: 300_000,
  });
  const elsewhere: AskEngine = async queries =>
    (await engine(queries)).map((reply, index) =>
      queries[index]!.look === 'identity' && reply !== '' ? `other ${reply}` : reply,
    );
  const paths = [here.workspace, join(base, 'empty'), join(base, 'list'), join(base, 'file')];
  t.deepEqual(await unsharedPaths(paths, elsewhere), []);
  t.deepEqual(readdirSync(join(base, 'empty')), []);
  const list = await contentProof(join(base, 'list'));
  t.deepEqual(await engine([list]), [list.expected]);
  t.regex((await engine([{ path: '/dev', look: 'identity' }]))[0]!, /^\S+ \d+:\d+( \S+)* \/pts( |$)/);
  const confused: AskEngine = queries =>
    elsewhere(queries.map(query => ({ ...query, path: join(base, 'list') })));
  t.deepEqual(await unsharedPaths(paths, confused), [paths[0], paths[1], paths[3]]);
});
