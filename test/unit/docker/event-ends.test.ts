import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { containerEnds } from '../../../src/docker/container-ends.ts';
import { eventReader } from '../../../src/docker/event-ends.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

const event = (action: string, id: string, attributes: object = {}) =>
  JSON.stringify({ Type: 'container', Action: action, time: 7, Actor: { ID: id, Attributes: attributes } });

/** Read the events of a docker that prints these lines and exits. */
function desk(t: Parameters<typeof fakeDocker>[0], lines: readonly string[], engineTime?: number) {
  const prints = lines.map(line => `echo '${line}'`);
  const { here } = fakeDocker(t, ['echo "$*" >>"$here/calls"', ...prints].join('\n'));
  const ends = containerEnds(() => 10);
  let unread = 0;
  const read = eventReader(
    ends,
    {
      recorder: nullRecorder,
      runId: 'r1',
      signal: new AbortController().signal,
      ...(engineTime === undefined ? {} : { engineTime }),
    },
    () => {
      unread++;
    },
  );
  const calls = () => readFileSync(join(here, 'calls'), 'utf8').trim().split('\n');
  return { ends, read, calls, unread: () => unread };
}

test.serial('events end their containers, in the order of the stream', async t => {
  const never = new AbortController().signal;
  const { ends, read, unread } = desk(t, [
    event('oom', 'c1'),
    event('exec_start', 'c1'),
    event('die', 'c1', { exitCode: '137' }),
    event('destroy', 'c1'),
    event('destroy', 'c2'),
  ]);
  t.true((await read()).ok);
  t.deepEqual(await ends.wait('c1', never), {
    exitCode: 137,
    oomKilled: true,
    reason: 'died',
    at: 10,
    finishedAt: 7_000,
  });
  t.is((await ends.wait('c2', never)).reason, 'removed');
  t.is(unread(), 0);
});

test.serial('each line that cannot be read is reported', async t => {
  const { read, unread } = desk(t, ['?', event('die', 'c1'), event('die', 'c2', { exitCode: '0' })]);
  await read();
  t.is(unread(), 2);
});

test.serial('a stream begins at the time of the engine, the next one at the last end', async t => {
  const { read, calls } = desk(t, [event('die', 'c1', { exitCode: '0' })], 5_900);
  await read();
  await read();
  t.deepEqual(
    calls().map(call => /--since=(\d+)/.exec(call)?.[1]),
    ['5', '7'],
  );
  t.true(calls()[0]!.endsWith('--filter=type=container --filter=label=tmux-agents.run-id=r1'));
});

test.serial('a stream without a known time has no start', async t => {
  const { read, calls } = desk(t, []);
  await read();
  t.false(calls()[0]!.includes('--since'));
});
