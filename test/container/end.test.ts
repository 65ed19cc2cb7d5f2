import test from 'ava';
import { docker, runToEnd, startBox, until } from './box.ts';

for (const [title, script, code, record] of [
  ['an agent that succeeds ends its container with 0', 'echo well', 0, 'exit 0'],
  ['the exit code of an agent is that of its container', 'exit 7', 7, 'exit 7'],
  ['a command that cannot be executed ends with 126', 'exec /etc/passwd', 126, 'exit 126'],
  ['a command that does not exist ends with 127', 'exec no-such-agent', 127, 'exit 127'],
  ['a killed agent is distinguished from one that exits with the same code', 'kill -9 $$', 137, 'signal 137'],
  ['a command that exits with 137 by itself was not killed', 'exit 137', 137, 'exit 137'],
  ['an agent that kills the tmux server is lost', 'tmux kill-server; sleep 60', 70, 'tmux-lost 70'],
  ['an agent that kills its session is lost', 'tmux kill-session; sleep 60', 70, 'tmux-lost 70'],
  ['agent-done ends the work while the agent lives', 'agent-done 3; agent-done 4; sleep 60', 3, 'done 3'],
  [
    'agent-done ends an agent that ignores TERM',
    'trap "" TERM; agent-done; while :; do sleep 1; done',
    0,
    'done 0',
  ],
] as const) {
  test(title, async t => {
    const end = await runToEnd(t, script);
    t.is(end.code, code);
    t.is(end.record, `agent-end ${record} 0 n0nce`);
  });
}

test('an agent that outlives its run limit ends with 124, even when it ignores TERM', async t => {
  const end = await runToEnd(t, 'trap "" TERM; echo begun; while :; do sleep 1; done', {
    env: { AGENT_RUN_LIMIT: '2' },
  });
  t.is(end.code, 124);
  t.regex(end.pane, /begun/);
  t.is(end.record, 'agent-end deadline 124 0 n0nce');
});

test('an agent that its limit ends can still print', async t => {
  const script = 'trap "echo saved; exit 0" TERM; while :; do sleep 0.1; done';
  const end = await runToEnd(t, script, { env: { AGENT_RUN_LIMIT: '1' } });
  t.regex(end.pane, /saved/);
  t.is(end.record, 'agent-end deadline 124 0 n0nce');
});

test('a process whose name contains a line break does not keep the others from being ended', async t => {
  const named = `name=$(printf '/tmp/a\\nb'); cp "$(command -v sleep)" "$name"; "$name" 600 &`;
  const script = `${named} trap "echo saved; exit 0" TERM; while :; do sleep 0.1; done`;
  const end = await runToEnd(t, script, { env: { AGENT_RUN_LIMIT: '1' } });
  t.regex(end.pane, /saved/);
  t.is(end.record, 'agent-end deadline 124 0 n0nce');
});

test('an agent is idle when it stops printing', async t => {
  const script = 'for i in 1 2 3 4 5 6 7 8; do echo step $i; sleep 1; done; sleep 60';
  const end = await runToEnd(t, script, { env: { AGENT_IDLE_LIMIT: '4' } });
  t.regex(end.pane, /step 8/);
  t.is(end.code, 124);
  t.is(end.record, 'agent-end idle 124 0 n0nce');
});

test('a container that is never injected ends by itself', async t => {
  const box = await startBox(t, { env: { AGENT_INJECT_LIMIT: '1' } });
  const end = await box.end();
  t.is(end.code, 125);
  t.is(end.record, 'agent-end never-injected 125 0 n0nce');
});

test('the end record counts a kill for want of memory', async t => {
  // A small program: one that does not fit into memory is read from the disk again and again, for minutes.
  const script = 'exec tail /dev/zero';
  const end = await runToEnd(t, script, { options: ['--memory', '64m', '--memory-swap', '64m'] });
  t.is(end.code, 137);
  t.regex(end.record, /^agent-end signal 137 [1-9]\d* n0nce$/);
});

for (const init of [true, false]) {
  test(`docker stop ends the work at once, ${init ? 'under' : 'without'} --init`, async t => {
    const box = await startBox(t, { init });
    await box.inject('echo begun; exec sleep 600');
    // A container that ignored TERM would be killed after this time, and leave 137.
    await docker(['stop', '-t', '600', box.id]);
    const end = await box.end();
    t.is(end.code, 143);
    t.regex(end.pane, /begun/);
    t.is(end.record, 'agent-end term 143 0 n0nce');
  });
}

test('a killed container leaves no end record', async t => {
  const box = await startBox(t);
  await box.inject('exec sleep 600');
  await docker(['kill', box.id]);
  const end = await box.end();
  t.is(end.code, 137);
  t.notRegex(end.output, /agent-end/);
});

test('the agent is recorded as lost when its tmux server is killed externally', async t => {
  const box = await startBox(t);
  await box.inject('exec sleep 600');
  await box.exec(['tmux', 'kill-server']);
  t.is((await box.end()).record, 'agent-end tmux-lost 70 0 n0nce');
});

test('agent-done refuses an invalid exit code, and does not affect the agent', async t => {
  const box = await startBox(t);
  await box.inject('exec sleep 600');
  for (const code of ['256', '-1', 'x', '', '1000']) t.is((await box.exec(['agent-done', code])).exitCode, 2);
  t.is((await box.exec(['agent-health'])).exitCode, 0);
});

test('a limit that is not a number is refused', async t => {
  const end = await runToEnd(t, 'true', { env: { AGENT_RUN_LIMIT: '90s' } });
  t.is(end.code, 64);
});

test('a kept container never runs its agent again, and opens a shell', async t => {
  const box = await startBox(t);
  await box.inject('echo run >>/tmp/runs; exit 3');
  t.is((await box.end()).code, 3);
  await docker(['start', box.id]);
  t.is((await box.exec(['agent-ready', '20'])).exitCode, 0);
  t.is((await box.inject('echo run >>/tmp/runs')).stdout, 'already\n');
  await box.exec(['tmux', 'send-keys', '-t', '=agent:', 'touch /tmp/typed', 'Enter']);
  t.true(await until(async () => (await box.exec(['test', '-e', '/tmp/typed'])).exitCode === 0));
  t.is((await box.exec(['cat', '/tmp/runs'])).stdout, 'run\n');
  await docker(['stop', '-t', '60', box.id]);
});
