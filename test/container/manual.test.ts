import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { docker, dockerDir, image, label, quoted, startBox, until } from './box.ts';

/**
 * Run a docker command on a terminal without input. Not under `timeout`: it would start a process group, which may not
 * access the terminal.
 */
const onTerminal = (t: ExecutionContext, line: string) => {
  const child = execa('script', ['-qec', line, '/dev/null'], {
    stdin: 'pipe',
    reject: false,
    timeout: 300_000,
    env: { TERM: 'xterm' },
  });
  t.teardown(() => child.kill());
  return child;
};

const typeInto = (name: string, line: string) =>
  docker(['exec', name, 'tmux', 'send-keys', '-t', 'agent', line, 'Enter']);

test('the image builds as in the documentation', async t => {
  const tag = `agent-flow-test-manual:${randomUUID()}`;
  const built = await execa(`cd docker && docker build -t ${tag} .`, {
    shell: true,
    cwd: `${dockerDir}/..`,
    reject: false,
    timeout: 800_000,
  });
  t.is(built.exitCode, 0);
  t.is(
    (await docker(['run', '--rm', '--label', label, tag, 'tmux', 'has-session', '-t', 'agent'])).exitCode,
    0,
  );
  await docker(['rmi', tag]);
});

for (const init of ['', '--init ']) {
  test(`docker run -it ${init}… tmux attach -t agent attaches the user to a live shell`, async t => {
    const name = `agent-flow-test-${randomUUID()}`;
    try {
      const attached = onTerminal(
        t,
        `docker run -it --rm ${init}--name ${name} --label ${label} ${await image} tmux attach -t agent`,
      );
      t.true(await until(async () => (await docker(['exec', name, 'agent-ready', '5'])).exitCode === 0));
      await typeInto(name, 'echo $((6 * 7))th; sleep 1; exit');
      t.regex((await attached).stdout, /42th/);
    } finally {
      await docker(['rm', '-f', name]);
    }
  });
}

test('docker run -d … runs a shell in the session until docker stop', async t => {
  const box = await startBox(t, { isManual: true, init: false });
  t.is((await box.exec(['agent-ready'])).exitCode, 0);
  const type = (...keys: string[]) => box.exec(['tmux', 'send-keys', '-t', 'agent', ...keys]);
  const printed = (line: RegExp) => until(async () => line.test((await docker(['logs', box.id])).stdout));
  await type('echo hi $((6 * 7))', 'Enter');
  t.true(await printed(/^hi 42\r?$/m));
  const shell = (await box.exec(['tmux', 'display-message', '-p', '-t', 'agent', '#{pane_pid}'])).stdout;
  await type('C-d');
  const other = async () => {
    const now = await box.exec(['tmux', 'display-message', '-p', '-t', 'agent', '#{pane_pid}']);
    return now.exitCode === 0 && !['', '\n', shell].includes(now.stdout);
  };
  t.true(await until(other));
  t.is((await box.exec(['agent-ready'])).exitCode, 0);
  await type('echo again $((6 * 7))', 'Enter');
  t.true(await printed(/^again 42\r?$/m));
  t.is((await box.exec(['agent-health'])).exitCode, 0);
  const refused = await box.inject('true');
  t.is(refused.exitCode, 66);
  t.regex(refused.stderr, /started without AGENT_ATTEMPT, so its session is a shell/);
  // A container that ignored TERM would exit with 137.
  await docker(['stop', '-t', '60', box.id]);
  t.is(Number((await docker(['wait', box.id])).stdout), 143);
});

test('docker run -it without a command attaches the user to the session, and ends with its shell', async t => {
  const name = `agent-flow-test-${randomUUID()}`;
  t.teardown(() => docker(['rm', '-f', name]));
  const attached = onTerminal(t, `docker run -it --rm --name ${name} --label ${label} ${await image}`);
  t.true(await until(async () => (await docker(['exec', name, 'agent-ready', '5'])).exitCode === 0));
  await typeInto(name, 'echo $((6 * 7))th; sleep 1; exit');
  t.regex((await attached).stdout, /42th/);
});

test('docker exec -it … tmux attach -t agent shows a running agent', async t => {
  const box = await startBox(t);
  await box.inject('echo the agent is here; exec sleep 600');
  const attached = onTerminal(t, `docker exec -it ${box.id} tmux attach -t agent`);
  const clients = async () => (await box.exec(['tmux', 'list-clients'])).stdout;
  t.true(await until(async () => (await clients()).includes('agent')));
  await box.exec(['tmux', 'detach-client', '-s', 'agent']);
  t.regex((await attached).stdout, /the agent is here/);
});

test('docker logs of a running agent shows what it has printed', async t => {
  const box = await startBox(t);
  await box.inject(`echo ${quoted('printed 🦊')}; exec sleep 600`);
  t.true(await until(async () => (await docker(['logs', box.id])).stdout.includes('printed 🦊')));
});

test('the image has its entrypoint, working directory, label and health check', async t => {
  const [found] = JSON.parse((await docker(['inspect', await image])).stdout);
  t.deepEqual(found.Config.Entrypoint, ['agent-init']);
  t.is(found.Config.WorkingDir, '/workspace');
  t.is(found.Config.Labels['tmux-agents.protocol'], '2');
  t.is(found.Config.Healthcheck.Interval, 30e9);
});

test('agent-ready prints why a session does not accept keys', async t => {
  const box = await startBox(t);
  await box.exec(['agent-ready']);
  await box.exec(['tmux', 'new-session', '-d', '-s', 'other']);
  await box.exec(['tmux', 'rename-session', '-t', '=agent', 'elsewhere']);
  const gone = await box.exec(['agent-ready', '0']);
  t.is(gone.exitCode, 124);
  t.regex(gone.stderr, /^agent-ready: .*can't find session: agent\n$/);
});
