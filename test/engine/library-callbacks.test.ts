import { getEventListeners } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInspector, type StatelyInspectionEvent } from '@statelyai/inspect';
import test from 'ava';
import { type Flow, FlowError, type FlowOptions, runFlow, type SpecInput } from '../../src/index.ts';
import { type Place, place, small } from './flow.ts';

const hello = (command: string[]): SpecInput => ({
  agents: { hello: { command, workspace: { mode: 'none' }, ...small } },
});
/** Prints without end, so that a callback can fail at any time. */
const chatty = hello(['sh', '-c', 'while :; do echo hello; sleep 0.2; done']);

const mistake = () => {
  throw new Error('my own mistake');
};
const runs = (here: Place) =>
  here.journal().some(event => event.type === 'agent.state' && event.state === 'running.working');

/** Each fails while the agent runs. */
const failing: Readonly<Record<string, (here: Place) => FlowOptions>> = {
  'onEvent that throws': here => ({ onEvent: () => void (runs(here) && mistake()) }),
  'onEvent that rejects': here => ({ onEvent: async () => void (runs(here) && mistake()) }),
  'onOutput that throws': () => ({ onOutput: mistake }),
  'onOutput that rejects': () => ({ onOutput: async () => mistake() }),
};

for (const [name, options] of Object.entries(failing))
  test(`${name} cancels the flow, which rejects with the error when all is removed`, async t => {
    const here = place(t);
    const flow = runFlow(chatty, { stateDir: here.stateDir, ...options(here) });
    await t.throwsAsync(flow, { message: 'my own mistake' });
    t.deepEqual(await here.containers(), []);
    t.true(here.journal().some(event => event.type === 'run.ended'));
    t.deepEqual(
      readdirSync(join(here.stateDir, 'runs', here.runId()!)).filter(file => file.startsWith('lock')),
      [],
    );
  });

/** An observer as `@statelyai/inspect` makes them, with the events it has sent. */
function stately() {
  const sent: StatelyInspectionEvent[] = [];
  return { sent, inspect: createInspector({ send: event => void sent.push(event) }).inspect };
}
type Inspect = NonNullable<FlowOptions['inspect']>;
const brokenInspects: Readonly<Record<string, Inspect>> = {
  throws: mistake,
  rejects: async () => mistake(),
  'is an observer whose `next` throws': { next: mistake },
};

test('an inspect that fails warns once, and every flow continues, also beside one that is observed', async t => {
  const { sent, inspect } = stately();
  const run = async (inspect: Inspect) => {
    const here = place(t);
    const { status } = await runFlow(hello(['echo', 'hello']), { stateDir: here.stateDir, inspect });
    const messages = here.journal().flatMap(event => (event.type === 'warning' ? [event.message] : []));
    return { status, warnings: messages.filter(message => message.includes('"inspect"')) };
  };
  const observed = run(inspect);
  for (const [how, broken] of Object.entries(brokenInspects)) {
    const { status, warnings } = await run(broken);
    t.is(status, 'succeeded', how);
    t.deepEqual(
      warnings,
      ['the program\'s "inspect" has failed, and is not called again: my own mistake'],
      how,
    );
  }
  t.deepEqual(await observed, { status: 'succeeded', warnings: [] });
  t.true(sent.some(event => event.type === '@xstate.actor'));
  t.true(sent.some(event => event.type === '@xstate.snapshot' && event.snapshot.status === 'done'));
});

test('cancel() and an aborted signal end a flow at any time, whether or not it is awaited', async t => {
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown) => void unhandled.push(error);
  process.on('unhandledRejection', onUnhandled);
  t.teardown(() => process.off('unhandledRejection', onUnhandled));
  const here = place(t);
  const { stateDir } = here;

  const early = runFlow(hello(['true']), { stateDir });
  early.cancel('never mind');
  const error = await t.throwsAsync(early, { instanceOf: FlowError });
  t.regex(error.message, /cancelled before it began: never mind/);
  for (const reason of [undefined, 'a word', Symbol('enough'), new Error('enough'), null]) {
    const aborted = runFlow(hello(['true']), { stateDir, signal: AbortSignal.abort(reason) });
    t.true((await t.throwsAsync(aborted)) instanceof Error);
    // Never awaited.
    void runFlow(hello(['true']), { stateDir, signal: AbortSignal.abort(reason) });
  }
  runFlow({ agents: {} }, { stateDir }).cancel();
  t.is(here.runId(), null);

  // While it starts, before any agent does.
  const starting: Flow = runFlow(chatty, {
    stateDir,
    onEvent: ({ type }) => void (type === 'run.started' && starting.cancel('while it starts')),
  });
  const { status } = await starting;
  t.is(status, 'cancelled');
  starting.cancel('after the end');
  t.true(here.journal().some(event => event.type === 'run.cancel' && event.reason === 'while it starts'));
  t.is(here.journal().at(-1)?.type, 'run.ended');

  const other = place(t);
  const ending: Flow = runFlow(hello(['true']), {
    stateDir: other.stateDir,
    onEvent: ({ type }) => void (type === 'run.ended' && ending.cancel('in its last step')),
  });
  t.is((await ending).status, 'succeeded');
  t.is(other.journal().at(-1)?.type, 'run.ended');
  await new Promise(resolve => setImmediate(resolve));
  t.deepEqual(unhandled, []);
});

test('a flow that fails by a callback does not affect another flow of the same program', async t => {
  const [failingPlace, otherPlace] = [place(t), place(t)];
  const abort = new AbortController();
  const failed = runFlow(chatty, {
    stateDir: failingPlace.stateDir,
    onOutput: mistake,
    signal: abort.signal,
  });
  const types: string[] = [];
  const fine = runFlow(hello(['echo', 'hello']), {
    stateDir: otherPlace.stateDir,
    signal: abort.signal,
    onEvent: ({ type }) => void types.push(type),
  });
  await t.throwsAsync(failed, { message: 'my own mistake' });
  t.is((await fine).status, 'succeeded');
  t.is(types.at(-1), 'run.ended');
  t.false(types.includes('run.cancel'));
  t.deepEqual(getEventListeners(abort.signal, 'abort'), []);
});

test('a loop whose body throws leaves the flow running, and a later failure is not an unhandled rejection', async t => {
  const here = place(t);
  const flow = runFlow(chatty, { stateDir: here.stateDir, onOutput: mistake });
  await t.throwsAsync(
    async () => {
      for await (const _ of flow) throw new Error('in the body');
    },
    { message: 'in the body' },
  );
  await t.throwsAsync(flow, { message: 'my own mistake' });
  t.deepEqual(await here.containers(), []);
});

for (const [what, reason] of [
  ['no string can be made of', Object.create(null)],
  ['has control characters', new Error('a\u001b[31m\nb')],
  ['is a symbol', Symbol('enough')],
] as const)
  test(`a signal that is aborted with a reason that ${what} cancels the flow`, async t => {
    const here = place(t);
    const abort = new AbortController();
    const flow = runFlow(chatty, {
      stateDir: here.stateDir,
      signal: abort.signal,
      onOutput: () => abort.abort(reason),
    });
    t.is((await flow).status, 'cancelled');
    t.deepEqual(await here.containers(), []);
    const result = join(here.stateDir, 'runs', here.runId()!, 'result.json');
    t.is(JSON.parse(readFileSync(result, 'utf8')).status, 'cancelled');
  });
