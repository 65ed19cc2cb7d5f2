import { getEventListeners } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type FlowOptions, runFlow, type SpecInput } from '../../src/index.ts';
import { type Place, place, small } from './flow.ts';

const hello = (command: string[]): SpecInput => ({
  agents: { hello: { command, workspace: { mode: 'none' }, ...small } },
});
/** Prints without end, so that a callback can fail at any moment of it. */
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
  'inspect that throws': here => ({ inspect: () => void (runs(here) && mistake()) }),
  'inspect that throws at its very first event': () => ({ inspect: mistake }),
  'inspect that rejects': here => ({ inspect: async () => void (runs(here) && mistake()) }),
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

test('of two flows of one program one fails by a callback, and the other is unharmed', async t => {
  const [unlucky, lucky] = [place(t), place(t)];
  const abort = new AbortController();
  const failed = runFlow(chatty, { stateDir: unlucky.stateDir, onOutput: mistake, signal: abort.signal });
  const types: string[] = [];
  const fine = runFlow(hello(['echo', 'hello']), {
    stateDir: lucky.stateDir,
    signal: abort.signal,
    onEvent: ({ type }) => void types.push(type),
  });
  await t.throwsAsync(failed, { message: 'my own mistake' });
  t.is((await fine).status, 'succeeded');
  t.is(types.at(-1), 'run.ended');
  t.false(types.includes('run.cancel'));
  t.deepEqual(getEventListeners(abort.signal, 'abort'), []);
});

test('a loop whose body throws leaves the flow alone, and a failure later is nobody’s unhandled rejection', async t => {
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
