import test from 'ava';
import { execa } from 'execa';
import { quoted, runToEnd, sha256, startBox, until } from './box.ts';

const hostile = [
  `it's`,
  '"double"',
  '$(touch /tmp/pwned)',
  '`touch /tmp/pwned`',
  '$HOME',
  'two\nlines\n',
  'ends;',
  ';',
  '🦊 emoji',
  'Enter',
  'C-c',
  '-n',
  '--',
  '\\',
  '',
  '*?[a] ~ #{pane_id} %1 !! \t|&<>',
];

test('sixteen hostile arguments reach the agent exactly', async t => {
  const box = await startBox(t);
  const show = 'require("fs").writeFileSync("/tmp/seen", JSON.stringify(process.argv.slice(1)))';
  await box.inject(`node -e ${quoted(show)} -- ${hostile.map(quoted).join(' ')}; sleep 600`);
  t.true(await until(async () => (await box.exec(['test', '-s', '/tmp/seen'])).exitCode === 0));
  t.deepEqual(JSON.parse((await box.exec(['cat', '/tmp/seen'])).stdout), hostile);
  t.not((await box.exec(['test', '-e', '/tmp/pwned'])).exitCode, 0);
});

test('a prompt of one megabyte reaches the agent exactly', async t => {
  const prompt = "it's $5; `x` 🦊\n".repeat(60_000);
  const end = await runToEnd(t, `printf %s ${quoted(prompt)} >/tmp/p; sha256sum </tmp/p`);
  t.true(Buffer.byteLength(prompt) > 1_000_000);
  t.regex(end.pane, new RegExp(sha256(prompt)));
});

test('the agent has a terminal, its working directory, default signals and no variables of ours', async t => {
  const script =
    'tty; pwd; sed -n s/SigIgn://p /proc/self/status; ls /proc/self/fd | wc -l; env; test -t 0 && exit 5';
  const end = await runToEnd(t, script, {
    env: {
      AGENT_ATTEMPT: '1',
      AGENT_RUN_LIMIT: '60',
      AGENT_IDLE_LIMIT: '60',
      AGENT_LEASE: '60',
      AGENT_NAME: 'fixer',
    },
  });
  t.is(end.code, 5);
  t.regex(end.pane, /^\/dev\/pts\/\d+\n\/workspace\n/m);
  // tmux itself leaves SIGTTIN and SIGTTOU ignored in every pane.
  t.regex(end.pane, /^\t0000000000300000$/m);
  t.deepEqual(end.pane.match(/^AGENT_\w+/gm), ['AGENT_NAME']);
});

test('inject refuses a script that is cut off or has another hash or attempt, and starts nothing', async t => {
  const box = await startBox(t, { env: { AGENT_ATTEMPT: '2' } });
  const script = 'echo run >>/tmp/runs; sleep 600';
  t.is((await box.inject(script, { attempt: '2', hash: sha256(`${script}; exit`) })).exitCode, 65);
  t.is((await box.inject(script, { attempt: '2', hash: sha256('other') })).exitCode, 65);
  t.is((await box.inject(script, { attempt: '1' })).exitCode, 66);
  t.is((await box.exec(['agent-inject'])).exitCode, 64);
  t.not((await box.exec(['test', '-e', '/run/agent/started'])).exitCode, 0);
  t.is((await box.inject(script, { attempt: '2' })).stdout, 'ready\nstarted\n');
});

test('an agent is started once, however often it is injected', async t => {
  const box = await startBox(t);
  const script = 'echo run >>/tmp/runs; sleep 600';
  const results = await Promise.all(Array.from({ length: 20 }, () => box.inject(script)));
  for (const { exitCode, stdout } of results) {
    t.is(exitCode, 0);
    t.regex(stdout, /^(ready\n)?started\n$|^(ready\n)?already\n$/);
  }
  t.is((await box.inject(script)).stdout, 'already\n');
  t.is((await box.exec(['cat', '/tmp/runs'])).stdout, 'run\n');
  t.is((await box.exec(['sh', '-c', 'ls /dev/shm /run/agent | grep launch'])).stdout, '');
});

test('an injection whose client was killed can be repeated, and starts the agent once', async t => {
  for (const timeoutMs of [20, 60, 100, 140, 180]) {
    const box = await startBox(t);
    const script = `echo run >>/tmp/runs; sleep 600 # ${'x'.repeat(200_000)}`;
    const args = ['exec', '-i', box.id, 'agent-inject', '1', sha256(script), '30'];
    await execa('docker', args, { input: script, reject: false, timeout: timeoutMs, killSignal: 'SIGKILL' });
    t.is((await box.inject(script)).exitCode, 0);
    t.true(await until(async () => (await box.exec(['cat', '/tmp/runs'])).stdout !== ''));
    t.is((await box.exec(['cat', '/tmp/runs'])).stdout, 'run\n');
  }
});

test('a user who scrolls, types and presses C-c and C-d does not keep the agent from starting', async t => {
  const box = await startBox(t);
  await box.exec(['agent-ready']);
  await box.exec([
    'tmux',
    'send-keys',
    '-t',
    '=agent:',
    'rm -rf /',
    'Enter',
    'C-c',
    'C-d',
    'C-\\',
    'half a li',
  ]);
  await box.exec(['tmux', 'copy-mode', '-t', '=agent:']);
  t.is((await box.inject('sleep 600')).stdout, 'ready\nstarted\n');
});

test('agent-run that a user types before the injection leaves the session waiting', async t => {
  const box = await startBox(t);
  await box.exec(['agent-ready']);
  await box.exec(['tmux', 'send-keys', '-t', '=agent:', 'agent-run', 'Enter']);
  t.is((await box.inject('sleep 600')).stdout, 'ready\nstarted\n');
});

test('a launch script is never written to the disk', async t => {
  const box = await startBox(t);
  const secret = 'first line\nsecond-line-of-a-secret';
  await box.inject(
    `export TOKEN=${quoted(secret)}; printf %s "$TOKEN" | sha256sum >/dev/shm/seen; exec sleep 600`,
  );
  t.true(await until(async () => (await box.exec(['test', '-s', '/dev/shm/seen'])).exitCode === 0));
  t.is((await box.exec(['cat', '/dev/shm/seen'])).stdout.slice(0, 64), sha256(secret));
  t.is((await box.exec(['grep', '-rl', 'second-line-of', '/run', '/tmp', '/var', '/workspace'])).stdout, '');
  t.is((await box.exec(['sh', '-c', 'ls /dev/shm'])).stdout, 'seen\n');
});

for (const [title, options] of [
  ['as another user than root', ['--user', '1000:1000']],
  ['without capabilities', ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges']],
  [
    'on a read-only root',
    ['--read-only', '--tmpfs', '/tmp:mode=1777', '--tmpfs', '/run/agent:mode=1777', '--user', '1000:1000'],
  ],
] as const) {
  test(`an agent runs ${title}`, async t => {
    const end = await runToEnd(t, 'echo it works; exit 4', { options });
    t.is(end.record, 'agent-end exit 4 0 n0nce');
    t.regex(end.pane, /it works/);
  });
}
