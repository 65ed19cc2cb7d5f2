import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { eventually, place, small } from './flow.ts';

interface Posted {
  readonly event: string;
  readonly agent: string | null;
  readonly status: string;
  readonly message: string;
  readonly command: string;
}

/** Start a receiver that is closed after the test. It keeps what is posted, and responds by `respond`. */
async function receiver(t: ExecutionContext, respond: (response: ServerResponse, count: number) => void) {
  const posted: Posted[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    posted.push(JSON.parse(text));
    respond(response, posted.length);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { posted, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/topic-s3cret` };
}

/** Return the address of a port on which nothing listens. */
async function deadUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}/`;
}

const ok = (response: ServerResponse) => void response.end();

/** `work` runs, then `go` waits for an approval. */
const spec = (urls: readonly unknown[], prompt = 'Merge?') => ({
  name: 'notified',
  notify: urls.map(url => ({ url })),
  agents: {
    work: { command: ['true'], workspace: { mode: 'none' }, ...small },
    go: { approve: { prompt }, dependsOn: ['work'] },
  },
});

test('a receiver gets the approval and the end, in order and redacted', async t => {
  const { posted, url } = await receiver(t, ok);
  const here = place(t);
  // The spec itself is stored as it is; what is posted is redacted.
  const running = here.run(spec([{ env: 'TOPIC_URL' }], `Merge, as in ${url}?`), [], {
    env: { ...here.env, TOPIC_URL: url },
  });
  await eventually(() => posted.length > 0, 'the notification of the approval');
  const runId = here.runId()!;
  t.like(posted[0], { event: 'approval', agent: 'go', status: 'awaitingApproval' });
  t.is(posted[0]!.command, `agent-flow approve ${runId} go`);
  t.false(JSON.stringify(posted).includes('s3cret'), JSON.stringify(posted));
  t.is((await here.agentFlow(['approve', runId, 'go'])).exitCode, 0);
  const { exitCode, stderr } = await running;
  t.is(exitCode, 0, stderr);
  t.deepEqual(
    posted.map(({ event, status }) => [event, status]),
    [
      ['approval', 'awaitingApproval'],
      ['ended', 'succeeded'],
    ],
  );
});

test('receivers that fail, never respond, or do not exist neither hold up the run nor change its result', async t => {
  const failing = await receiver(t, response => void response.writeHead(500).end());
  const silent = await receiver(t, () => {});
  const recovering = await receiver(
    t,
    (response, count) => void response.writeHead(count === 1 ? 503 : 200).end(),
  );
  const here = place(t);
  const urls = [failing.url, silent.url, recovering.url, await deadUrl()];
  const { exitCode, json, stderr } = await here.run(spec(urls), ['--yes']);
  t.is(exitCode, 0, stderr);
  t.is(json.status, 'succeeded');
  // The run has ended although the silent receiver has not responded.
  t.true(failing.posted.length >= 2);
  t.is(silent.posted.length, 1);
  t.deepEqual(
    recovering.posted.map(({ event }) => event),
    ['ended', 'ended'],
  );
  const warnings = here.journal().flatMap(event => (event.type === 'warning' ? [event.message] : []));
  for (const [index, isReported] of [true, true, false, true].entries())
    t.is(
      warnings.some(text => text.includes(`delivered to notify[${index}]`)),
      isReported,
      `notify[${index}]: ${warnings}`,
    );
});

test('a slow receiver, whose address is a secret, gets everything in order while the run continues', async t => {
  const release = Promise.withResolvers<void>();
  const { posted, url } = await receiver(t, response => void release.promise.then(() => response.end()));
  const here = place(t);
  const running = here.run(spec([{ env: 'TOPIC_URL' }]), [], { env: { ...here.env, TOPIC_URL: url } });
  await eventually(() => posted.length === 1, 'the first notification');
  t.is((await here.agentFlow(['approve', here.runId()!, 'go'])).exitCode, 0);
  // The approval is decided, and the first notification has no response yet.
  t.is(posted.length, 1);
  release.resolve();
  const { exitCode, stdout, stderr } = await running;
  t.is(exitCode, 0, stderr);
  t.deepEqual(
    posted.map(({ event }) => event),
    ['approval', 'ended'],
  );
  t.false(`${stdout}${stderr}${JSON.stringify(here.journal())}`.includes('s3cret'));
});
