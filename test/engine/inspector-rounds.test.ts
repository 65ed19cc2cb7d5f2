import { appendFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import type { RunEvent } from '../../src/events.ts';
import type { PageDecision } from '../../src/inspector/approvals.ts';
import { openInspector } from '../../src/inspector/server.ts';
import { openStateDir } from '../../src/store/state-directory.ts';
import { createCli, writeRun } from '../unit/_helpers/command-line.ts';
import { at, attemptEnds, checkEnds, ends, enters, noon, startedWith } from '../unit/_helpers/story.ts';
import { closeBrowser, pageOf } from './browser.ts';

test.after.always(closeBrowser);

const hostile = `<img src=x onerror="document.title='owned'">`;

interface Given {
  readonly events: readonly RunEvent[];
  readonly hash?: string;
  readonly mayWrite?: boolean;
}

/** The page of a recorded run, the decisions that it sends, and the outputs that it reads. */
async function shown(t: ExecutionContext, { events, hash = '', mayWrite = false }: Given) {
  const { stateDir } = createCli(t);
  writeRun(stateDir, 'r1234567', [], events);
  const folder = openStateDir(stateDir).run('r1234567');
  const decisions: PageDecision[] = [];
  const read: string[] = [];
  const inspector = await openInspector({
    ...{ port: 0, mayWrite },
    approvals: () => ({
      async decide(given) {
        decisions.push(given);
        return {
          decision: given.decision,
          isOverruled: decisions.length > 1,
          message: `recorded ${hostile}`,
        };
      },
    }),
    terminals: () => ({
      type: async () => {},
      async read(agent, { of, number }, { write }) {
        read.push(`${agent} ${of} ${number}`);
        await write(Buffer.from('output of the check\r\n'));
        return true;
      },
    }),
  });
  t.teardown(() => inspector.close());
  inspector.show(folder);
  const append = (more: readonly RunEvent[]) =>
    appendFileSync(folder.journal, more.map(event => `${JSON.stringify(event)}\n`).join(''));
  return { ...(await pageOf(t, `${inspector.url}${hash}`)), decisions, read, append };
}

const approve = { prompt: `Merge ${hostile}?`, timeout: 60_000, onTimeout: 'reject' } as const;
const until = noon + 60_000;

/** `fixer` is green in its second round, `go` waits, and the condition of `late` is false. */
const events: readonly RunEvent[] = [
  startedWith({
    fixer: { rounds: 5 },
    go: { approve, dependsOn: ['fixer'] },
    late: { when: "fixer.status == 'failed'" },
  }),
  at(1, { type: 'agent.condition', agent: 'late', holds: false, reason: 'fixer has succeeded' }),
  ends(1, 'late', { status: 'skipped', exitCode: null, containerId: null, image: null }),
  enters(1, 'fixer', 'running.working'),
  attemptEnds(4, 'fixer'),
  enters(5, 'fixer', 'checking'),
  checkEnds(7, 'fixer', { rounds: 5, exitCode: 3, reason: 'it exited with 3' }),
  enters(8, 'fixer', 'running.working', { attempt: 2 }),
  attemptEnds(10, 'fixer', { attempt: 2 }),
  enters(11, 'fixer', 'checking', { attempt: 2 }),
  checkEnds(13, 'fixer', { attempt: 2, round: 2, rounds: 5, status: 'passed', exitCode: 0, reason: null }),
  ends(14, 'fixer'),
  enters(14, 'go', 'requesting'),
  at(14, { type: 'approval.requested', agent: 'go', until }),
  enters(14, 'go', 'awaitingApproval', { until }),
];

test.serial('an approval is approved with its reason on the page, and everything in it is text', async t => {
  const { page, decisions, complaints } = await shown(t, { events, mayWrite: true });
  const panel = page.getByRole('region', { name: 'Approval go' });
  t.is(await panel.locator('.prompt').textContent(), approve.prompt);
  await panel.getByLabel('Reason').fill(hostile);
  await panel.getByLabel('Reason').press('Enter');
  await panel.getByRole('button', { name: 'Approve' }).click();
  await panel.getByText('recorded').waitFor();
  t.deepEqual(decisions, [{ agent: 'go', decision: 'approved', reason: hostile }]);
  t.is(await panel.locator('output').textContent(), `recorded ${hostile}`);
  await panel.getByRole('button', { name: 'Reject' }).click();
  await page.waitForFunction("document.querySelector('.decide button:not(:disabled)')");
  t.is(decisions[1]?.decision, 'rejected');
  t.is(await page.locator('img').count(), 0);
  t.not(await page.title(), 'owned');
  // The browser reports the status 409 of the second decision.
  t.deepEqual(
    complaints.filter(text => !text.includes('409')),
    [],
  );
});

test.serial('without --inspect-write the page has the commands, and later the decision', async t => {
  const { page, append, decisions } = await shown(t, { events, hash: '#agent/go' });
  const panel = page.getByRole('region', { name: 'Approval go' });
  await panel.getByText('agent-flow approve r1234567 go').waitFor();
  await panel.getByText('agent-flow reject r1234567 go').waitFor();
  t.is(await panel.getByRole('button').count(), 0);
  await page.locator('[data-state="awaitingApproval"][data-mark="current"]').waitFor();
  const decision = { decision: 'rejected', source: 'inspector', by: 'ann@host', reason: hostile } as const;
  append([at(20, { type: 'approval.decided', agent: 'go', ...decision }), enters(20, 'go', 'done')]);
  await panel.getByText(`rejected by ann@host in the inspector: ${hostile} (at +20.0 s)`).waitFor();
  t.is(await panel.locator('.commands').count(), 0);
  await page.evaluate("location.hash = '#'");
  const segment = page.locator('.segment.approval');
  await segment.waitFor({ state: 'attached' });
  t.is(await segment.locator('title').textContent(), `rejected by ann@host in the inspector: ${hostile}`);
  t.is(Number(await segment.getAttribute('width')), 6);
  await page.locator('[data-agent="go"]', { hasText: 'rejected by ann@host' }).waitFor();
  t.deepEqual(decisions, []);
});

test.serial('the timeline has a segment for each round, attempt and check, with its result', async t => {
  const { page, read, complaints } = await shown(t, { events });
  await page.locator('.segment.check').first().waitFor({ state: 'attached' });
  const titles = (kind: string) => page.locator(`.segment.${kind} title`).allTextContents();
  t.deepEqual(await titles('round'), [
    'round 1 of 5: the check failed with exit code 3',
    'round 2 of 5: the check passed',
  ]);
  t.deepEqual(await titles('attempt-band'), [
    'round 1 of 5, attempt 1: succeeded, exit code 0',
    'round 2 of 5, attempt 2: succeeded, exit code 0',
  ]);
  t.deepEqual(await titles('check'), [
    'round 1 of 5: the check failed with exit code 3, after 2.0s',
    'round 2 of 5: the check passed, after 2.0s',
  ]);
  await page.locator('[data-agent="late"]', { hasText: 'fixer has succeeded' }).waitFor();

  await page.evaluate("location.hash = '#agent/fixer'");
  await page.getByText('round 2 of 5, attempt 2 ·').waitFor();
  await page.getByRole('region', { name: 'Rounds' }).waitFor();
  await page.getByRole('link', { name: 'Output of check 1' }).click();
  await page.getByText('output of the check').waitFor();
  t.is(read.at(-1), 'fixer check 1');
  t.is(await page.getByRole('combobox').inputValue(), 'check 1');
  await page.evaluate("location.hash = '#agent/late'");
  await page.getByText('false: fixer has succeeded').waitFor();
  t.deepEqual(complaints, []);
});

test.serial('a check that runs is shown as the state of its round', async t => {
  const { page } = await shown(t, { events: events.slice(0, 6), hash: '#agent/fixer' });
  await page.locator('[data-state="checking"][data-mark="current"]').waitFor();
  await page.getByText('round 1 of 5, attempt 1 ·').waitFor();
  t.is(await page.getByRole('region', { name: 'Rounds' }).count(), 0);
  await page.evaluate("location.hash = '#'");
  await page.locator('.segment.check[data-mark="running"]').waitFor({ state: 'attached' });
  t.is(await page.locator('.segment.check title').textContent(), 'round 1 of 5: the check runs');
});

test.serial(
  'an agent that appears during the run is added to the graph, the timeline and its own view',
  async t => {
    const { page, append } = await shown(t, { events: [startedWith({ plan: {} })] });
    await page.locator('[data-agent="plan"]').waitFor();
    append([
      startedWith({ plan: {}, 'task-1': { dependsOn: ['plan'] } }),
      enters(2, 'task-1', 'running.working'),
    ]);
    await page.locator('[data-agent="task-1"][data-mark="running"]').waitFor();
    await page.locator('.names a', { hasText: 'task-1' }).click();
    await page.getByRole('heading', { name: 'task-1' }).waitFor();
    await page.locator('[data-state="running.working"][data-mark="current"]').waitFor();
    t.is(await page.locator('[data-mark="current"]').count(), 1);
  },
);
