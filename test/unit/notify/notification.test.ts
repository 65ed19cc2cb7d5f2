import test from 'ava';
import { endNotification, notificationOf } from '../../../src/notify/notification.ts';
import { checkReceivers, receiversOf, secretUrls } from '../../../src/notify/receivers.ts';
import { parse, problems } from '../_helpers/spec.ts';
import { ends, enters, failure, noon, startedWith, stateAfter } from '../_helpers/story.ts';

const approve = { prompt: 'Merge?', timeout: 60_000, onTimeout: 'reject' } as const;
const before = stateAfter(startedWith({ go: { approve }, a: {} }));
const shared = { version: 1, runId: 'r1234567', flow: 'fix' };

test('an approval and an agent that needs input have notifications', t => {
  t.deepEqual(notificationOf(before, enters(60, 'go', 'awaitingApproval')), {
    ...shared,
    ...{ event: 'approval', agent: 'go', status: 'awaitingApproval', at: '2026-01-02T12:01:00.000Z' },
    ...{ message: 'go waits for approval: Merge?', command: 'agent-flow approve r1234567 go' },
  } as never);
  const asks = enters(0, 'a', 'running.needsInput', { cause: `asks\n\u001b[31m${'x'.repeat(600)}` });
  const { message, ...rest } = notificationOf(before, asks)!;
  t.like(rest, { event: 'needsInput', agent: 'a', command: 'agent-flow attach r1234567/a' });
  t.is(message.length, 500);
  t.notRegex(message, /[\n\u001b]/);
  t.is(notificationOf(before, enters(0, 'a', 'building')), null);
  t.is(notificationOf(before, ends(0, 'a')), null);
});

test('the end of a run has the agents that did not succeed', t => {
  const state = stateAfter(
    startedWith({ go: { approve }, a: {} }),
    ends(1, 'a', failure('exit')),
    ends(1, 'go'),
  );
  t.like(endNotification(state, 'failed', noon), {
    ...{ event: 'ended', agent: null, status: 'failed', message: 'fix failed: a failed' },
  });
});

test('the address of a receiver may come from the environment, and then it is a secret', async t => {
  const a = { command: ['x'] };
  const url = 'https://ntfy.example.com/s3cret';
  const plan = await parse({
    notify: [{ url: { env: 'NTFY_URL' }, on: ['ended'] }, { url: 'http://127.0.0.1:8080/hook' }],
    agents: { a },
  });
  t.deepEqual(plan.notify, [
    { url: { env: 'NTFY_URL' }, on: ['ended'] },
    { url: 'http://127.0.0.1:8080/hook', on: ['needsInput', 'approval', 'ended'] },
  ]);
  t.deepEqual(
    receiversOf(plan, { NTFY_URL: url }).receivers.map(({ title, url }) => [title, url]),
    [
      ['notify[0] ($NTFY_URL)', url],
      ['notify[1] (127.0.0.1:8080)', 'http://127.0.0.1:8080/hook'],
    ],
  );
  t.deepEqual(secretUrls(plan, { NTFY_URL: url }), [url]);
  t.notThrows(() => checkReceivers(plan, { NTFY_URL: url }));
  t.throws(() => checkReceivers(plan, {}), { message: /NTFY_URL is not set in the environment/ });
  t.throws(() => checkReceivers(plan, { NTFY_URL: 'file:///s3cret' }), {
    message: 'notify[0] ($NTFY_URL): NTFY_URL is not an http(s) address',
  });
  for (const url of ['ftp://x.example.com', 'nowhere', '', 7])
    t.regex(
      (await problems({ notify: [{ url }], agents: { a } }))[0]!,
      /^notify\[0\]\.url: .*expected an address/,
    );
  t.regex((await problems({ notify: [{ url: 'http://x', on: ['all'] }], agents: { a } }))[0]!, /on\[0\]/);
});
