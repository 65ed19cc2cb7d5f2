import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { InteractivePlan } from '../../src/spec/plan.ts';
import { reportIn } from '../../src/transcript/agent-report.ts';
import { screenIn } from '../../src/transcript/last-screen.ts';
import { type Box, docker, dockerDir, quoted, startBox, until } from './box.ts';

const plan: Omit<InteractivePlan, 'renamed'> = {
  ready: '^READY>',
  dialogs: [{ title: 'asks whether it may', pattern: '^May I\\?' }],
  needsInput: 'notify',
  stalled: 2_000,
};

interface Beginning {
  env?: Record<string, string>;
  /** Shell commands before it is ready. */
  before?: string;
}

/** Start a CLI in shell: it prints that it is ready, reads its prompt, and runs `after`. */
async function watched(
  t: ExecutionContext,
  after: string,
  { env = {}, before = 'sleep 1', ...more }: Partial<typeof plan> & Beginning = {},
): Promise<Box> {
  const source = join(dockerDir, 'provider');
  const box = await startBox(t, {
    options: [`--mount=type=bind,source=${source},target=/provider,readonly=true`],
    env: { PATH: '/provider:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...env },
  });
  const cli = `${before}; echo 'READY>'; read -r prompt; agent-turn accepted; echo "got <$prompt>"; ${after}`;
  const attend = ['agent-interactive', JSON.stringify({ ...plan, ...more }), '/run/agent/prompt'];
  await box.inject(
    [
      "printf '%s' 'Do it; $(now)' >/run/agent/prompt",
      'agent-turn begin',
      `${attend.map(quoted).join(' ')} </dev/null >/run/agent/attend.log 2>&1 &`,
      `exec sh -c ${quoted(cli)}`,
    ].join('\n'),
  );
  return box;
}

/** Return a file of a container, running or not. */
async function fileIn({ id }: Box, path: string): Promise<string> {
  const { stdout } = await docker(['cp', `${id}:${path}`, '-']);
  return stdout.slice(512).replace(/\0+$/, '');
}
const activityIn = async (box: Box) => (await fileIn(box, '/run/agent/activity')).trim().split('\n');

test('a watched CLI is given its prompt unchanged and once', async t => {
  const box = await watched(t, 'sleep 3; agent-turn end </dev/null; exec sleep 600', { stalled: null });
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce', await fileIn(box, '/run/agent/attend.log'));
  t.is(end.pane.split('got <Do it; $(now)>').length, 2, end.pane);
  t.deepEqual(await activityIn(box), ['working']);
  t.regex(screenIn(end.output, 'n0nce') ?? '', /^READY>.*\n.*got <Do it; \$\(now\)>$/s);
});

test('a question is reported, and its answer by a user is not a turn', async t => {
  const box = await watched(
    t,
    'echo "May I?"; read -r reply; echo "got $reply"; agent-turn end </dev/null; sleep 60',
  );
  t.true(await until(async () => (await activityIn(box)).includes('needsInput asks whether it may')));
  await box.exec(['agent-turn', 'sent']);
  await box.exec(['tmux', 'send-keys', '-t', '=agent:', 'please', 'Enter']);
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.regex(end.pane, /got please/);
  t.deepEqual((await activityIn(box)).slice(0, 2), ['working', 'needsInput asks whether it may']);
});

test('a question is answered with the text of the plan', async t => {
  const box = await watched(
    t,
    'echo "May I?"; read -r reply; echo "got <$reply>"; agent-turn end </dev/null',
    {
      needsInput: { answer: '-yes; $HOME' },
    },
  );
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.regex(end.pane, /got <-yes; \$HOME>/);
});

test('a CLI that asks repeatedly fails after three answers', async t => {
  const box = await watched(t, 'while :; do echo "May I?"; read -r reply; done', {
    needsInput: { answer: 'yes' },
  });
  const end = await box.end();
  t.is(end.record, 'agent-end done 1 0 n0nce');
  t.deepEqual(reportIn(end.output, 'n0nce')?.failure, {
    kind: 'needsInput',
    message: 'asks whether it may, and was answered 3 times',
    resetsAt: null,
  });
  t.is(end.pane.split('yes').length, 4, end.pane);
});

test('a CLI that may not ask fails at a question, which its last screen shows', async t => {
  const end = await (await watched(t, 'echo "May I?"; sleep 600', { needsInput: 'fail' })).end();
  t.is(end.record, 'agent-end done 1 0 n0nce');
  t.like(reportIn(end.output, 'n0nce')?.failure, { kind: 'needsInput', message: 'asks whether it may' });
  t.regex(screenIn(end.output, 'n0nce') ?? '', /May I\?$/);
});

test('a CLI that stalls in a turn needs input, and works again when its screen changes', async t => {
  const stalled = 'needsInput has been stalled for 2 s in the middle of a turn';
  const printing = 'until [ -e /run/agent/go ]; do i=$((i + 1)); echo "$i"; sleep 0.5; done';
  const box = await watched(t, `read -r more; ${printing}`);
  t.true(await until(async () => (await activityIn(box)).includes(stalled)));
  await box.exec(['tmux', 'send-keys', '-t', '=agent:', 'more', 'Enter']);
  t.true(await until(async () => (await activityIn(box)).at(-1) !== stalled));
  await box.exec(['touch', '/run/agent/go']);
  t.is((await box.end()).record, 'agent-end exit 0 0 n0nce');
  // On a slow machine it may have stalled before that, or again afterwards: what counts is what follows.
  const activity = await activityIn(box);
  t.is(activity[activity.indexOf(stalled) + 1], 'working');
});

test('a CLI that stalls before it is ready needs input, and is given its prompt when it is ready', async t => {
  const before = `until [ -e /run/agent/go ]; do sleep 0.1; done`;
  const box = await watched(t, 'agent-turn end </dev/null', { before });
  const stalled = 'needsInput has been stalled for 2 s before its first prompt';
  t.true(await until(async () => (await activityIn(box)).includes(stalled)));
  await box.exec(['touch', '/run/agent/go']);
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.is(end.pane.split('got <Do it; $(now)>').length, 2, end.pane);
  t.deepEqual((await activityIn(box)).slice(0, 2), ['working', stalled]);
});

test('a CLI without a turn is idle, and done after the idle time', async t => {
  const after = 'sleep 8; echo "after 8 s"; agent-turn end </dev/null; exec sleep 600';
  const box = await watched(t, after, { stalled: 3_000, env: { AGENT_DONE_IDLE: '5' } });
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.regex(end.pane, /after 8 s/);
  const activity = await activityIn(box);
  t.is(activity.at(-1), 'idle');
  const stalled = 'needsInput has been stalled for 3 s in the middle of a turn';
  t.deepEqual([...new Set(activity)], ['working', stalled, 'idle']);
});

test('a sent prompt whose Enter came too early is entered at the end of the turn', async t => {
  const next = 'read -r more; agent-turn accepted; echo "then <$more>"; agent-turn end </dev/null; sleep 60';
  const box = await watched(
    t,
    `until [ -e /run/agent/go ]; do sleep 0.1; done; sleep 4; echo " turn over"; agent-turn end </dev/null; ${next}`,
    { env: { AGENT_RUN_LIMIT: '120' } },
  );
  t.true(await until(async () => (await box.exec(['cat', '/run/agent/turns-accepted'])).stdout !== ''));
  await box.exec(['agent-turn', 'sent']);
  await box.exec(['tmux', 'send-keys', '-l', '-t', '=agent:', 'and this']);
  await box.exec(['touch', '/run/agent/go']);
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  // During the turn it is not entered, since it may be queued.
  t.regex(end.pane, /and this turn over\n+then <and this>/);
});

test('a done file ends the work when it changes, not when it exists already', async t => {
  const box = await startBox(t, { env: { AGENT_DONE_FILE: '/etc/motd' } });
  await box.inject('sleep 4; echo "still working"; echo done >/etc/motd; exec sleep 600');
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.regex(end.pane, /still working/);
});

test('a command without output is done after the idle time', async t => {
  const box = await startBox(t, { env: { AGENT_DONE_IDLE: '4' } });
  await box.inject('for i in 1 2 3 4 5 6 7 8; do echo "$i"; sleep 1; done; exec sleep 600');
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.regex(end.pane, /\n8\s*$/);
});
