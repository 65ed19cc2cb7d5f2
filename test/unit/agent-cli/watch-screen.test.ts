import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type State, stateIn } from '../../../src/agent-cli/state.ts';
import { type WatchPlan, watchScreen } from '../../../src/agent-cli/watch-screen.ts';

const plan: WatchPlan = {
  ready: '^READY>',
  dialogs: [{ title: 'asks whether it may', pattern: '^May I\\?' }],
  needsInput: 'notify',
  stalled: 2_000,
};

interface Scene {
  readonly screen: string;
  /** Seconds from the start after which it is shown. */
  readonly from: number;
}

interface Options extends Partial<WatchPlan> {
  /** Seconds until the work is done. */
  readonly seconds?: number;
  /** Number of prompts that the CLI accepts. */
  readonly accepts?: number;
  readonly during?: (now: number, state: State) => void;
}

/** Watch scenes on a virtual clock. */
async function watch(
  t: ExecutionContext,
  scenes: readonly Scene[],
  { seconds = 10, accepts = 99, during = () => {}, ...more }: Options = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-watch-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const state = stateIn(folder);
  state.set('in-turn');
  const keys: string[] = [];
  const turnCalls: string[] = [];
  let now = 0;
  const accept = () => {
    if (state.counted('accepted') < Math.min(accepts, state.counted('sent'))) state.count('accepted');
  };
  await watchScreen(
    { ...plan, ...more },
    {
      state,
      terminal: {
        screen: () => scenes.findLast(({ from }) => from * 1000 <= now)?.screen ?? '',
        press: (...pressed) => {
          keys.push(...pressed);
          accept();
        },
        type: text => void keys.push(`type ${text}`),
        paste: text => void keys.push(`paste ${text}`),
      },
      prompt: () => Buffer.from('Do it'),
      sleep: async ms => {
        now += ms;
        during(now, state);
        if (now >= seconds * 1000) state.set('exit');
      },
      now: () => now,
      turn: (...args) => {
        turnCalls.push(args.join(' '));
        if (args[0] === 'sent') state.count('sent');
        if (args[0] === 'blocked') state.set('exit');
        return true;
      },
    },
  );
  const activity = readFileSync(join(folder, 'activity'), 'utf8').trim().split('\n');
  return { state, keys, turnCalls, activity };
}

const ready = { from: 0, screen: 'READY>' };

test('the prompt is pasted once the CLI is ready, and entered', async t => {
  const { keys, turnCalls } = await watch(t, [
    { from: 0, screen: 'starting' },
    { from: 1, screen: 'hello\nREADY>' },
  ]);
  t.deepEqual(keys, ['paste Do it', 'Enter']);
  t.deepEqual(turnCalls, ['sent']);
});

test('Enter is pressed again until the prompt is accepted, ten times at most', async t => {
  const { keys, activity } = await watch(t, [ready], { accepts: 0, seconds: 90, stalled: 5_000 });
  t.deepEqual(keys, ['paste Do it', ...Array(10).fill('Enter')]);
  t.deepEqual(activity, ['working', 'needsInput has not accepted its prompt']);
});

test('a dialog whose first choice is to be taken is confirmed, but only before the first prompt', async t => {
  const confirm = '^> Open restricted';
  const dialog = 'Folder access\n> Open restricted';
  const { keys } = await watch(
    t,
    [
      { from: 0, screen: dialog },
      { from: 1, screen: 'READY>' },
      { from: 3, screen: dialog },
    ],
    { confirm },
  );
  t.deepEqual(keys, ['Enter', 'paste Do it', 'Enter']);
  const stuck = await watch(t, [{ from: 0, screen: dialog }], { confirm, seconds: 20, stalled: null });
  t.deepEqual(stuck.keys, Array(10).fill('Enter'));
});

test('a CLI that stands still in the middle of a turn needs input, and works again when its screen changes', async t => {
  const { activity } = await watch(t, [ready, { from: 6, screen: 'more' }], { seconds: 7 });
  t.deepEqual(activity, [
    'working',
    'needsInput has been stalled for 2 s in the middle of a turn',
    'working',
  ]);
});

test('a CLI that stands still before it is ready needs input', async t => {
  const { activity, keys } = await watch(t, [{ from: 0, screen: 'starting' }]);
  t.deepEqual(activity, ['working', 'needsInput has been stalled for 2 s before its first prompt']);
  t.deepEqual(keys, []);
});

test('without a quiet limit, a CLI that stands still does not need input', async t => {
  const { activity } = await watch(t, [{ from: 0, screen: 'starting' }], { stalled: null });
  t.deepEqual(activity, ['working']);
});

test('a dialog needs input while it is visible, and text that is typed meanwhile is an answer', async t => {
  const visible = await watch(t, [ready, { from: 1, screen: 'May I?' }], { seconds: 3 });
  t.deepEqual(visible.activity, ['working', 'needsInput asks whether it may']);
  t.true(visible.state.has('waiting-for-answer'));
  const gone = await watch(
    t,
    [
      { from: 0, screen: 'May I?' },
      { from: 2, screen: 'READY>' },
    ],
    { seconds: 3 },
  );
  t.deepEqual(gone.activity, ['working', 'needsInput asks whether it may', 'working']);
  t.false(gone.state.has('waiting-for-answer'));
});

test('dialog text far above the last line is not a dialog', async t => {
  const screen = ['May I?', ...Array.from({ length: 20 }, (_, i) => `line ${i}`)].join('\n');
  const { activity } = await watch(t, [ready, { from: 1, screen }], { seconds: 3 });
  t.deepEqual(activity, ['working']);
});

test('a dialog fails the agent if needsInput is fail', async t => {
  const { turnCalls } = await watch(t, [ready, { from: 1, screen: 'May I?' }], { needsInput: 'fail' });
  t.is(turnCalls.at(-1), 'blocked needsInput asks whether it may');
});

test('an answer is typed three times in a row at most', async t => {
  const { keys, turnCalls } = await watch(t, [ready, { from: 1, screen: 'May I?' }], {
    needsInput: { answer: '-yes' },
    seconds: 60,
  });
  const typed = ['type -yes', 'Enter'];
  t.deepEqual(keys, ['paste Do it', 'Enter', ...typed, ...typed, ...typed]);
  t.deepEqual(turnCalls, ['sent', 'blocked needsInput asks whether it may, and was answered 3 times']);
});

test('an answer without a dialog is a prompt', async t => {
  const { turnCalls } = await watch(t, [ready], { needsInput: { answer: 'go on' }, seconds: 6 });
  t.deepEqual(turnCalls.slice(0, 2), ['sent', 'sent']);
});

test('a prompt that is still not accepted is entered after the turn, ten times at most', async t => {
  const during = (now: number, state: State) => {
    if (now >= 1_000 && state.counted('sent') === 1) state.count('sent');
    if (now >= 6_000 && state.counted('ended') === 0) state.count('ended');
  };
  const options = { during, stalled: null, accepts: 1 };
  t.deepEqual((await watch(t, [ready], { ...options, seconds: 5 })).keys, ['paste Do it', 'Enter']);
  t.deepEqual((await watch(t, [ready], { ...options, seconds: 60 })).keys, [
    'paste Do it',
    ...Array(11).fill('Enter'),
  ]);
});

test('a CLI with nothing to do is idle', async t => {
  const during = (now: number, state: State) => {
    if (now >= 1_000) state.clear('in-turn');
  };
  const { activity } = await watch(t, [ready], { during });
  t.deepEqual(activity, ['working', 'idle']);
});
