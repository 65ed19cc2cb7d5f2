import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { statelyInspector } from '../../src/inspector/stately.ts';
import { runFlow } from '../../src/run/run-flow.ts';
import { statesOf } from '../unit/inspector/flow.ts';
import { receiveFrom } from '../unit/inspector/receiver.ts';
import { type Place, place, small } from './flow.ts';

const agent = (script: string) => ({ command: ['sh', '-c', script], workspace: 'workspace', ...small });
const spec = {
  concurrency: 3,
  agents: {
    fine: { ...agent('sleep 1; echo hunter2-output'), env: { WORD: 'hunter2-env' } },
    flaky: { ...agent('[ -e tried ] || { touch tried; exit 7; }'), retries: 1 },
    broken: agent('echo hunter2-error >&2; exit 3'),
    after: { ...agent('true'), dependsOn: ['broken'] },
  },
};

/** Every agent and its states as in the journal, and none of its text. */
async function reportsAsJournaled(t: ExecutionContext, client: ReturnType<typeof receiveFrom>, here: Place) {
  await client.until(({ snapshots }) => snapshots('flow').at(-1)?.snapshot.status === 'done');
  for (const name of ['fine', 'flaky', 'broken'])
    t.deepEqual(client.states(name), statesOf(here.journal(), name), name);
  t.true(client.states('flaky').includes('2 running.working'));
  t.true(client.states('broken').includes('1 removing.removingContainer'));
  t.is(client.actor('after'), undefined);

  const text = JSON.stringify(client.events);
  t.false(text.includes('hunter2'));
  t.false(text.includes(here.path));
  t.false(text.includes(here.runId()!));
}

test('a client of the protocol receives every agent of an embedded flow and its states as in the journal', async t => {
  const here = place(t);
  const inspector = await statelyInspector({ gracePeriodMs: 60_000 });
  t.teardown(() => inspector.close());
  const client = receiveFrom(inspector.url);
  const { status } = await runFlow(here.write(spec), {
    stateDir: here.stateDir,
    inspect: inspector.inspect,
  });
  t.is(status, 'failed');
  await inspector.close();
  await reportsAsJournaled(t, client, here);
});

test("run --inspect=stately prints the page's address, serves the same to a client, and ends with the run", async t => {
  const here = place(t);
  const command = here.start(['run', here.write(spec), '--inspect=stately']);
  let url: string | undefined;
  for await (const line of createInterface({ input: command.stderr as Readable })) {
    url = /^inspector: (\S+) /.exec(line)?.[1];
    if (url) break;
  }
  const client = receiveFrom(url!);
  t.is((await command).exitCode, 1);
  await reportsAsJournaled(t, client, here);
});

test('an unknown value of --inspect is refused, and nothing starts', async t => {
  const here = place(t);
  const { exitCode, stderr } = await here.run({ agents: {} }, ['--inspect=other']);
  t.is(exitCode, 2);
  t.regex(stderr, /stately/);
});
