import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { eventually, isRunning, place, small } from './flow.ts';

/** Peak memory of a process so far, in bytes. */
const mostMemory = (pid: number) =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

test('an agent that replaces tmux by endless output is stopped, and the supervisor needs no more memory', async t => {
  const here = place(t);
  const replace = `printf '#!/bin/sh\\nexec yes\\n' >/tmp/t; chmod 755 /tmp/t; cp --remove-destination /tmp/t "$(command -v tmux)"`;
  const run = here.start([
    'run',
    '--json',
    here.write({
      agents: {
        a: {
          command: ['sh', '-c', `${replace}; echo replaced >replaced; sleep 600`],
          workspace: 'workspace',
          timeouts: { stop: '5s' },
          ...small,
        },
        b: { command: ['sh', '-c', 'until [ -e go ]; do sleep 0.1; done'], workspace: 'workspace', ...small },
      },
    }),
  ]);
  await eventually(
    () => isRunning(here, 'b')() && existsSync(join(here.workspace, 'replaced')),
    'both agents',
  );
  const before = mostMemory(run.pid!);
  t.is((await here.agentFlow(['stop', 'a'])).exitCode, 0);
  await eventually(() => here.journal().find(event => event.type === 'agent.ended'), 'the end of a');
  t.true(mostMemory(run.pid!) < 2 * before, `${mostMemory(run.pid!)} bytes after ${before}`);
  // A slow machine has no time to print more than is taken.
  const asked = here
    .journal()
    .find(event => event.type === 'docker.call' && event.argv.includes('send-keys'));
  const result = () =>
    here
      .journal()
      .find(
        event => event.type === 'docker.result' && asked?.type === 'docker.call' && event.call === asked.call,
      );
  const flood = await eventually(result, 'the end of the flood');
  t.like(flood, { ok: false, exitCode: null });
  writeFileSync(join(here.workspace, 'go'), '');
  const { agents } = JSON.parse(String((await run).stdout));
  t.is(agents.a.status, 'cancelled');
  t.is(agents.b.status, 'succeeded');
});

test("a container's stderr is taken neither for docker's nor for a limit", async t => {
  const here = place(t);
  const flood = `echo 'Cannot connect to the Docker daemon' >/proc/1/fd/2
    yes "no space left on device" | head -c 120000000 >/proc/1/fd/2; echo done`;
  const { exitCode, json, stderr } = await here.run({
    agents: { a: { command: ['sh', '-c', flood], workspace: 'workspace', ...small } },
  });
  t.is(exitCode, 0, stderr);
  t.is(json.agents.a.attempts.length, 1);
  t.notRegex(stderr, /waiting for the Docker engine|Cannot connect|no space left/);
  t.regex(here.transcript('a'), /^done/m);
});

test('a docker that is a script works like docker, and no process of it stays', async t => {
  const here = place(t);
  const folder = join(here.path, 'script');
  mkdirSync(folder);
  // This docker stays, ignores signals, and prints a line of its own with every call.
  const script = `#!/bin/sh\ntrap '' TERM INT HUP\necho 'Emulate Docker CLI' >&2\nPATH=\${PATH#*:} docker "$@"\n`;
  writeFileSync(join(folder, 'docker'), script);
  chmodSync(join(folder, 'docker'), 0o755);
  const env = { ...here.env, PATH: `${folder}:${here.env.PATH}` };
  const spec = { agents: { a: { command: ['sh', '-c', 'echo hello'], workspace: 'workspace', ...small } } };
  const { exitCode, stderr } = await here.run(spec, [], { env });
  t.is(exitCode, 0, stderr);
  t.regex(here.transcript('a'), /^hello/m);

  const there = place(t);
  const sleeper = { command: ['sleep', '600'], workspace: 'workspace', ...small };
  const run = there.start(['run', there.write({ agents: { b: sleeper } })], {
    env: { ...there.env, PATH: env.PATH },
  });
  await eventually(isRunning(there, 'b'), 'the agent');
  run.kill('SIGTERM');
  t.is((await run).exitCode, 143);
  t.deepEqual(await there.containers(), []);
  // The watch of events is one of the calls that would stay.
  const { stdout: left } = await execa('pgrep', ['--full', there.runId()!], { reject: false });
  t.is(left, '');
});
