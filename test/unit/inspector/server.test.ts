import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { UsageError } from '../../../src/errors.ts';
import type { Approvals } from '../../../src/inspector/approvals.ts';
import { openInspector } from '../../../src/inspector/server.ts';
import type { Terminals } from '../../../src/inspector/terminals.ts';
import { openStateDir, type RunFolder } from '../../../src/store/state-directory.ts';
import { writeRun } from '../_helpers/command-line.ts';
import { livelyRun } from './lively.ts';

const noTerminals: Terminals = { read: async () => false, type: async () => {} };
const noApprovals: Approvals = { decide: () => Promise.reject(new Error('not expected')) };

function folderOf(t: ExecutionContext, journal: readonly object[]): RunFolder {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-inspector-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  const stateDir = openStateDir(path);
  writeRun(path, 'r1234567', [], journal);
  return stateDir.run('r1234567');
}

async function inspectorOf(
  t: ExecutionContext,
  folder: RunFolder | null,
  { mayWrite = false, terminals = noTerminals }: { mayWrite?: boolean; terminals?: Terminals } = {},
) {
  const inspector = await openInspector({
    ...{ port: 0, mayWrite },
    terminals: () => terminals,
    approvals: () => noApprovals,
  });
  t.teardown(() => inspector.close());
  if (folder) inspector.show(folder);
  const { origin } = new URL(inspector.url);
  const ask = (path: string, init?: RequestInit) => fetch(`${inspector.url}${path}`, init);
  return { ...inspector, origin, ask };
}

test('requests need the token, a local host and an allowed origin', async t => {
  const { url, origin, ask } = await inspectorOf(t, folderOf(t, livelyRun(1)));
  t.is((await ask('')).status, 200);
  t.is((await fetch(`${origin}/`)).status, 403);
  t.is((await fetch(`${origin}/${'0'.repeat(32)}/`)).status, 403);
  t.is((await fetch(`${origin}/${'0'.repeat(32)}/events`)).status, 403);
  for (const path of ['', 'events', 'charts', 'page.js', 'terminal?agent=a&attempt=1'])
    for (const other of ['https://rebound.example', 'null', origin.replace('127.0.0.1', 'localhost')])
      t.is((await ask(path, { headers: { origin: other } })).status, 403, `${path} for ${other}`);
  t.is((await ask('other')).status, 404);
  t.is((await ask('', { method: 'POST', headers: { origin } })).status, 405);
  t.is((await ask('', { method: 'DELETE' })).status, 403);
  t.is(new URL(url).hostname, '127.0.0.1');
});

test('the page loads and runs only its own files, and refuses to be framed', async t => {
  const { ask } = await inspectorOf(t, null);
  const first = await ask('');
  const policy = first.headers.get('content-security-policy')!;
  t.regex(policy, /^default-src 'none'; script-src 'nonce-\S+'; style-src 'nonce-\S+'; connect-src 'self';/);
  t.regex(policy, /frame-ancestors 'none'/);
  t.false(/unsafe|\*|https?:/.test(policy));
  t.not((await ask('')).headers.get('content-security-policy'), policy);
  const html = await first.text();
  for (const [element] of html.matchAll(/<(?:script|link rel="stylesheet")[^>]*>/g))
    t.regex(element, / nonce="/);
  t.false(/ (on\w+|style)=/.test(html));
});

/** Read `count` events of an event stream. */
async function readEvents(response: Response, count: number) {
  const events: { seq: number }[] = [];
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    rest += chunk;
    const messages = rest.split('\n\n');
    rest = messages.pop()!;
    for (const message of messages) {
      const data = /^data: (\[.*\])$/m.exec(message)?.[1];
      if (data) events.push(...JSON.parse(data));
    }
    if (events.length >= count) return events;
  }
  return events;
}

test('every client receives past and future events once, in order, even after a reconnect', async t => {
  const events = livelyRun(40);
  const folder = folderOf(t, events.slice(0, -3));
  const { ask } = await inspectorOf(t, folder);
  const first = await ask('events');
  const others = [ask('events'), ask('events', { headers: { 'last-event-id': '100' } })];
  const all = readEvents(first, events.length);
  await delay(150);
  const last = events
    .slice(-3)
    .map(event => `${JSON.stringify(event)}\n`)
    .join('');
  // An incomplete line is not sent.
  appendFileSync(folder.journal, last.slice(0, 40));
  await delay(250);
  appendFileSync(folder.journal, last.slice(40));
  const seqs = (some: readonly { seq: number }[]) => some.map(({ seq }) => seq);
  t.deepEqual(seqs(await all), seqs(events));
  t.deepEqual(seqs(await readEvents(await others[0]!, events.length)), seqs(events));
  t.deepEqual(seqs(await readEvents(await others[1]!, events.length - 100)), seqs(events.slice(100)));
});

test('invalid lines of the journal are not sent', async t => {
  const events = livelyRun(1);
  const folder = folderOf(t, events);
  appendFileSync(folder.journal, 'not an event\n{"type":"warning"}\n');
  const after = { v: 1, seq: 99, at: 0, type: 'warning', agent: null, message: 'valid' };
  appendFileSync(folder.journal, `${JSON.stringify(after)}\n`);
  const { ask } = await inspectorOf(t, folder);
  t.deepEqual((await readEvents(await ask('events'), events.length + 1)).at(-1), after as never);
});

test('a terminal is read while the client is connected, as plain text in a sandbox', async t => {
  let ended = 0;
  const terminals: Terminals = {
    ...noTerminals,
    async read(agent, _attempt, { write, follow, signal }) {
      if (agent !== 'one') throw new UsageError('unknown agent');
      await write(Buffer.from('<b>bold</b>'));
      if (follow) await new Promise(resolve => signal.addEventListener('abort', resolve));
      ended++;
      return true;
    },
  };
  const { ask } = await inspectorOf(t, folderOf(t, livelyRun(1)), { terminals });
  const client = new AbortController();
  const response = await ask('terminal?agent=one&attempt=1', { signal: client.signal });
  t.is(response.headers.get('content-type'), 'text/plain; charset=utf-8');
  t.is(response.headers.get('x-content-type-options'), 'nosniff');
  t.regex(response.headers.get('content-security-policy')!, /sandbox/);
  const { value } = await response.body!.getReader().read();
  t.is(new TextDecoder().decode(value), '<b>bold</b>');
  t.is(ended, 0);
  client.abort();
  while (ended === 0) await delay(10);

  const saved = await ask('terminal?save&agent=one&attempt=1');
  t.is(await saved.text(), '<b>bold</b>');
  t.is(saved.headers.get('content-disposition'), 'attachment; filename="one-1.log"');
  t.is((await ask('terminal?agent=other&attempt=1')).status, 404);
  t.is((await ask('terminal?agent=one&attempt=-1')).status, 404);
});

test('typing is refused without mayWrite, and accepted from the page only', async t => {
  const typed: string[] = [];
  const terminals: Terminals = {
    ...noTerminals,
    type: async (agent, bytes) => void typed.push(`${agent}: ${bytes}`),
  };
  const folder = folderOf(t, livelyRun(1));
  const body = JSON.stringify({ agent: 'one', keys: 'ls\r' });
  const closed = await inspectorOf(t, folder, { terminals });
  t.is((await closed.ask('type', { method: 'POST', body, headers: { origin: closed.origin } })).status, 403);

  const { ask, origin } = await inspectorOf(t, folder, { terminals, mayWrite: true });
  t.is((await ask('type', { method: 'POST', body })).status, 403);
  t.is(
    (await ask('type', { method: 'POST', body, headers: { origin: 'http://rebound.example' } })).status,
    403,
  );
  t.is((await ask(`type?keys=x`)).status, 404);
  t.deepEqual(typed, []);
  const post = (text: string) => ask('type', { method: 'POST', body: text, headers: { origin } });
  t.is((await post(body)).status, 204);
  for (const bad of ['', '[]', '{"agent":"one"}', '{"agent":1,"keys":"x"}', '{"agent":"one","keys":""}'])
    t.is((await post(bad)).status, 400, bad);
  t.is((await post(JSON.stringify({ agent: 'one', keys: 'x'.repeat(100_000) }))).status, 413);
  t.deepEqual(typed, ['one: ls\r']);
});

test('a page waits for a run that has not started, and receives its end', async t => {
  const folder = folderOf(t, livelyRun(1));
  const inspector = await openInspector({
    ...{ port: 0, mayWrite: false },
    terminals: () => noTerminals,
    approvals: () => noApprovals,
  });
  const response = fetch(`${inspector.url}events`);
  await delay(50);
  inspector.show(folder);
  const text = (await response).text();
  await inspector.close();
  t.regex(await text, /event: end\ndata: true\n\n$/);
});
