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
  /** What it does before it is ready, in shell. */
  before?: string;
}

/** A CLI in shell: it has a line to be ready with, and does what follows once it has read its prompt. */
async function attended(
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

/** A file of a container, whether it runs or not. */
async function fileIn({ id }: Box, path: string): Promise<string> {
  const { stdout } = await docker(['cp', `${id}:${path}`, '-']);
  return stdout.slice(512).replace(/\0+$/, '');
}
const moodsIn = async (box: Box) => (await fileIn(box, '/run/agent/activity')).trim().split('\n');

test('an attended CLI is given its prompt, as it is and once', async t => {
  const box = await attended(t, 'sleep 3; agent-turn end </dev/null; exec sleep 600', { stalled: null });
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce', await fileIn(box, '/run/agent/attend.log'));
  t.is(end.pane.split('got <Do it; $(now)>').length, 2, end.pane);
  t.deepEqual(await moodsIn(box), ['working']);
  t.regex(screenIn(end.output, 'n0nce') ?? '', /^READY>.*\n.*got <Do it; \$\(now\)>$/s);
});

test('what it asks is told, and answered by whoever comes; that is no turn', async t => {
  const box = await attended(
    t,
    'echo "May I?"; read -r said; echo "said $said"; agent-turn end </dev/null; sleep 60',
  );
  t.true(await until(async () => (await moodsIn(box)).includes('needsInput asks whether it may')));
  await box.exec(['agent-turn', 'sent']);
  await box.exec(['tmux', 'send-keys', '-t', '=agent:', 'please', 'Enter']);
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.regex(end.pane, /said please/);
  t.deepEqual((await moodsIn(box)).slice(0, 2), ['working', 'needsInput asks whether it may']);
});

test('it is typed the answer that it was given beforehand', async t => {
  const box = await attended(
    t,
    'echo "May I?"; read -r said; echo "said <$said>"; agent-turn end </dev/null',
    {
      needsInput: { answer: '-yes; $HOME' },
    },
  );
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.regex(end.pane, /said <-yes; \$HOME>/);
});

test('one that asks again and again is not answered for ever', async t => {
  const box = await attended(t, 'while :; do echo "May I?"; read -r said; done', {
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

test('where nobody is to be asked it fails, and its last screen shows why', async t => {
  const end = await (await attended(t, 'echo "May I?"; sleep 600', { needsInput: 'fail' })).end();
  t.is(end.record, 'agent-end done 1 0 n0nce');
  t.like(reportIn(end.output, 'n0nce')?.failure, { kind: 'needsInput', message: 'asks whether it may' });
  t.regex(screenIn(end.output, 'n0nce') ?? '', /May I\?$/);
});

test('one that stands still in the middle of a turn needs somebody, and works again when it goes on', async t => {
  const still = 'needsInput has been stalled for 2 s in the middle of a turn';
  const goesOn = 'until [ -e /run/agent/go ]; do i=$((i + 1)); echo "$i"; sleep 0.5; done';
  const box = await attended(t, `read -r more; ${goesOn}`);
  t.true(await until(async () => (await moodsIn(box)).includes(still)));
  await box.exec(['tmux', 'send-keys', '-t', '=agent:', 'more', 'Enter']);
  t.true(await until(async () => (await moodsIn(box)).at(-1) !== still));
  await box.exec(['touch', '/run/agent/go']);
  t.is((await box.end()).record, 'agent-end exit 0 0 n0nce');
  // A slow machine may have found it still before that, or again afterwards: what counts is what follows.
  const moods = await moodsIn(box);
  t.is(moods[moods.indexOf(still) + 1], 'working');
});

test('one that stands still before it is ready is said to, and is given its prompt when it is', async t => {
  const before = `until [ -e /run/agent/go ]; do sleep 0.1; done`;
  const box = await attended(t, 'agent-turn end </dev/null', { before });
  const still = 'needsInput has been stalled for 2 s before its first prompt';
  t.true(await until(async () => (await moodsIn(box)).includes(still)));
  await box.exec(['touch', '/run/agent/go']);
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.is(end.pane.split('got <Do it; $(now)>').length, 2, end.pane);
  t.deepEqual((await moodsIn(box)).slice(0, 2), ['working', still]);
});

test('one that has nothing to do is quiet, and done when it has been so for as long as was said', async t => {
  const after = 'sleep 8; echo "after 8 s"; agent-turn end </dev/null; exec sleep 600';
  const box = await attended(t, after, { stalled: 3_000, env: { AGENT_DONE_IDLE: '5' } });
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.regex(end.pane, /after 8 s/);
  const moods = await moodsIn(box);
  t.is(moods.at(-1), 'idle');
  const still = 'needsInput has been stalled for 3 s in the middle of a turn';
  t.deepEqual([...new Set(moods)], ['working', still, 'idle']);
});

test('what was sent, and lies there when the turn is over since its Enter came too early, is entered then', async t => {
  const next = 'read -r more; agent-turn accepted; echo "then <$more>"; agent-turn end </dev/null; sleep 60';
  const box = await attended(
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
  // While the turn went on it was left alone: there it may wait for what comes.
  t.regex(end.pane, /and this turn over\n+then <and this>/);
});

test('a file that changes ends the work, one that is there already does not', async t => {
  const box = await startBox(t, { env: { AGENT_DONE_FILE: '/etc/motd' } });
  await box.inject('sleep 4; echo "still at work"; echo done >/etc/motd; exec sleep 600');
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.regex(end.pane, /still at work/);
});

test('a command that has printed nothing for as long as was said is done', async t => {
  const box = await startBox(t, { env: { AGENT_DONE_IDLE: '4' } });
  await box.inject('for i in 1 2 3 4 5 6 7 8; do echo "$i"; sleep 1; done; exec sleep 600');
  const end = await box.end();
  t.is(end.record, 'agent-end done 0 0 n0nce');
  t.regex(end.pane, /\n8\s*$/);
});
