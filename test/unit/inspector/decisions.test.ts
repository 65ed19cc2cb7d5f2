import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { approvalsOf } from '../../../src/commands/inspector/approvals.ts';
import { openInspector } from '../../../src/inspector/server.ts';
import { takeLock } from '../../../src/store/lock.ts';
import { readJournal } from '../../../src/store/read-journal.ts';
import { type DecisionRequest, watchRequests } from '../../../src/store/requests.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { writeRun } from '../_helpers/command-line.ts';
import { enters, startedWith } from '../_helpers/story.ts';

const approve = { prompt: 'Merge?', timeout: 60_000, onTimeout: 'reject' } as const;
const until = Date.now() + 3_600_000;
const requested = (agent: string) => ({
  ...{ v: 1, seq: 0, at: Date.now(), type: 'approval.requested', agent, until },
});

interface Given {
  readonly mayWrite?: boolean;
  /** Whether a supervisor takes requests. */
  readonly isSupervised?: boolean;
  /** The decision that the supervisor records for a request. */
  readonly record?: (request: DecisionRequest) => object;
}

/** An inspector of a run in which `go` waits for approval, `later` does not wait yet, and `work` is no approval. */
async function inspected(
  t: ExecutionContext,
  { mayWrite = true, isSupervised = true, record = request => request }: Given = {},
) {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-decisions-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  const agents = { go: { approve }, later: { approve, dependsOn: ['work'] }, work: {} };
  writeRun(
    path,
    'r1234567',
    [],
    [startedWith(agents), requested('go'), enters(1, 'go', 'awaitingApproval', { until })],
  );
  const folder = openStateDir(path).run('r1234567');
  const taken: DecisionRequest[] = [];
  if (isSupervised) {
    const lock = takeLock(folder.lock);
    const watcher = watchRequests(
      folder.requests,
      {
        onStop: () => t.fail(),
        async onDecision(request) {
          taken.push(request);
          if (taken.length > 1) return;
          const event = { v: 1, seq: 0, type: 'approval.decided', ...record(request) };
          appendFileSync(folder.journal, `${JSON.stringify(event)}\n`);
        },
      },
      { every: 5 },
    );
    t.teardown(() => {
      watcher[Symbol.dispose]();
      if (Symbol.dispose in lock) lock[Symbol.dispose]();
    });
  }
  const inspector = await openInspector({
    ...{ port: 0, mayWrite, approvals: approvalsOf },
    terminals: () => ({ read: async () => false, type: async () => {} }),
  });
  t.teardown(() => inspector.close());
  inspector.show(folder);
  const { origin } = new URL(inspector.url);
  const post = async (body: unknown, headers: Record<string, string> = { origin }) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${inspector.url}decide`, { method: 'POST', body: text, headers });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    };
  };
  return { ...inspector, folder, origin, taken, post };
}

const yes = { agent: 'go', decision: 'approved', reason: 'all\n green \u202e' };

test('a decision of the page is that of `approve`, and says that it is from the inspector', async t => {
  const { folder, post, taken } = await inspected(t);
  const { status, type, text } = await post(yes);
  t.is(status, 200, text);
  t.is(type, 'application/json; charset=utf-8');
  const { decision, message } = JSON.parse(text);
  t.is(decision, 'approved');
  t.regex(message, /^r1234567\/go is approved by .+@.+ in the inspector: all green$/);
  t.like(taken, [{ agent: 'go', decision: 'approved', source: 'inspector', reason: 'all green' }]);
  const { events } = readJournal(folder.journal);
  t.like(events.at(-1), { type: 'approval.decided', source: 'inspector', reason: 'all green' });
});

test('without --inspect-write, from elsewhere, or without the token no decision is accepted', async t => {
  const readOnly = await inspected(t, { mayWrite: false });
  const refused = await readOnly.post(yes);
  t.is(refused.status, 403);
  t.regex(refused.text, /needs --inspect-write/);
  const { origin, post, taken } = await inspected(t);
  t.is((await post(yes, {})).status, 403);
  t.is((await post(yes, { origin: 'http://rebound.example' })).status, 403);
  const other = await fetch(`${origin}/${'0'.repeat(32)}/decide`, {
    ...{ method: 'POST', headers: { origin }, body: JSON.stringify(yes) },
  });
  t.is(other.status, 403);
  t.deepEqual([...readOnly.taken, ...taken], []);
});

test('a second decision is refused, and so is one on what waits for none', async t => {
  const { post, taken } = await inspected(t);
  t.is((await post(yes)).status, 200);
  const again = await post({ ...yes, decision: 'rejected' });
  t.is(again.status, 409);
  t.regex(again.text, /^r1234567\/go is already approved by .+ in the inspector: all green\n$/);
  const later = await post({ agent: 'later', decision: 'approved' });
  t.deepEqual([later.status, later.text], [409, 'r1234567/later is not waiting for approval yet\n']);
  const work = await post({ agent: 'work', decision: 'approved' });
  t.deepEqual([work.status, work.text], [409, 'r1234567/work is not an approval\n']);
  t.is((await post({ agent: 'other', decision: 'approved' })).status, 404);
  t.is(taken.length, 1);
});

test('a decision that is made otherwise meanwhile is reported', async t => {
  const { post } = await inspected(t, {
    record: request => ({ ...request, decision: 'rejected', source: 'user', by: 'ann@host', reason: null }),
  });
  const { status, text } = await post(yes);
  t.deepEqual([status, text], [409, 'r1234567/go is rejected by ann@host\n']);
});

test('a decision for a run without a supervisor is kept for the next one', async t => {
  const { post, folder } = await inspected(t, { isSupervised: false });
  const { status, text } = await post(yes);
  t.is(status, 200);
  t.like(JSON.parse(text), { decision: null });
  t.regex(JSON.parse(text).message, /has no supervisor: r1234567\/go is approved when agent-flow resume/);
  t.false(readFileSync(folder.journal, 'utf8').includes('approval.decided'));
});

test('an invalid decision and a reason that is too long are refused', async t => {
  const { post, taken } = await inspected(t);
  for (const bad of [
    '',
    'null',
    '[]',
    '{"agent":"go"}',
    { ...yes, decision: 'maybe' },
    { ...yes, reason: 1 },
  ])
    t.is((await post(bad)).status, 400, JSON.stringify(bad));
  const long = await post({ ...yes, reason: 'x'.repeat(1001) });
  t.deepEqual([long.status, long.text], [400, 'The reason has more than 1000 characters.\n']);
  t.is((await post({ ...yes, reason: 'x'.repeat(100_000) })).status, 413);
  t.deepEqual(taken, []);
  t.is((await post({ ...yes, reason: '\u{1f600}'.repeat(500) })).status, 200);
});
