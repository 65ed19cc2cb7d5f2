import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { RunEvent } from '../../src/events.ts';
import { openInspector } from '../../src/inspector/server.ts';
import { openStateDir } from '../../src/store/state-directory.ts';
import { createCli, writeRun } from '../unit/_helpers/command-line.ts';
import { livelyRun } from '../unit/inspector/lively.ts';
import { closeBrowser, type Look, lookAt, pageOf } from './browser.ts';

test.after.always(closeBrowser);

/** The page of a recorded run. */
async function shown(t: ExecutionContext, events: readonly RunEvent[], hash = '', look: Look = {}) {
  const { stateDir } = createCli(t);
  writeRun(stateDir, 'r1234567', [], events);
  const inspector = await openInspector({
    port: 0,
    mayWrite: false,
    approvals: () => ({ decide: () => Promise.reject(new Error('read-only')) }),
    terminals: () => ({
      type: async () => {},
      async read(_agent, _attempt, { write }) {
        await write(Buffer.from('\x1b[1;31mred\x1b[0m and \x1b[38;2;1;200;3mtrue\x1b[0m colours\r\n'));
        return true;
      },
    }),
  });
  t.teardown(() => inspector.close());
  inspector.show(openStateDir(stateDir).run('r1234567'));
  return pageOf(t, `${inspector.url}${hash}`, look);
}

const hostile = `<img src=x onerror="document.title='owned'">'"&/../\u202e`;

/** The events of a run with hostile text wherever the journal takes text. Names of agents are validated on reading. */
function withHostileText(events: readonly RunEvent[]): RunEvent[] {
  const [started, ...others] = events.map(event => {
    if (event.type === 'run.started') return { ...event, name: hostile };
    if (event.type === 'agent.state') return { ...event, event: hostile, cause: hostile };
    return event.type === 'docker.result' ? { ...event, ok: false, stderr: hostile } : event;
  });
  const warning = { v: 1, seq: 0, at: started!.at, type: 'warning', agent: null, message: hostile } as const;
  return [started!, warning, ...others].map((event, index) => ({ ...event, seq: index + 1 }));
}

test.serial('a hostile text stays text wherever it is shown', async t => {
  const { page, complaints } = await shown(t, withHostileText(livelyRun(2)));
  await page.locator('svg.flow a').first().waitFor();
  t.is(await page.locator('header a').first().textContent(), hostile);
  t.true((await page.locator('li').allTextContents()).includes(hostile));
  await page.locator('.names a').first().click();
  await page.locator('[data-mark="current"]').waitFor();
  t.true((await page.locator('.cause').allTextContents()).includes(hostile));
  t.is(await page.locator('img').count(), 0);
  t.not(await page.title(), 'owned');
  t.deepEqual(complaints, []);
});

test.serial('axe finds no serious violation, in light and dark, wide and narrow', async t => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  for (const look of [
    {},
    { dark: true },
    { width: 360, height: 740 },
    { dark: true, width: 360, height: 740 },
  ]) {
    const { page, complaints } = await shown(t, livelyRun(12), '', look);
    const agent = page.locator('[data-agent="agent-3"]');
    await agent.waitFor();
    for (const hash of ['#', '#agent/agent-3', '#agent/agent-3/terminal']) {
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
      await page
        .locator({ '#': 'svg.flow', '#agent/agent-3': '[data-mark="current"]' }[hash] ?? '.xterm-rows')
        .waitFor();
      // Through the debugger, which is exempt from the page's policy.
      await page.evaluate(axe);
      const { violations } = (await page.evaluate('axe.run()')) as {
        violations: { id: string; impact: string; nodes: { html: string }[] }[];
      };
      const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      t.deepEqual(
        serious.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 200))]),
        [],
        `${JSON.stringify(look)} ${hash}`,
      );
      const width = (await page.evaluate('document.documentElement.scrollWidth')) as number;
      t.true(width <= (look.width ?? 1280), `${hash} is ${width} wide`);
    }
    t.deepEqual(complaints, []);
  }
});

test.serial('keys move through the events, the agents and the views', async t => {
  const events = livelyRun(3);
  const { page } = await shown(t, events);
  const at = (index: number) => page.waitForSelector(`#app[data-index="${index}"]`, { state: 'attached' });
  const press = (key: string) => page.keyboard.press(key);
  const newest = events.length - 1;
  await at(newest);
  await press('ArrowLeft');
  await at(newest - 1);
  await press('Home');
  await at(0);
  await press('ArrowRight');
  await at(1);
  await press('End');
  await at(newest);
  await press('j');
  await page.getByRole('heading', { name: 'agent-0' }).waitFor();
  await press('j');
  await page.getByRole('heading', { name: 'agent-1' }).waitFor();
  await press('t');
  await page.getByText('colours').waitFor();
  await press('/');
  await page.keyboard.type('gj');
  t.is(await page.getByRole('searchbox').inputValue(), 'gj');
  await page.getByRole('searchbox').blur();
  await press('k');
  await page.getByRole('heading', { name: 'agent-0' }).waitFor();
  await press('g');
  await page.locator('svg.flow').waitFor();
});

test.serial('a click on a step of the path returns to it', async t => {
  const events = livelyRun(1);
  const { page } = await shown(t, events, '#agent/agent-0');
  await page.getByRole('button', { name: /injecting/ }).click();
  await page.locator('[data-state="injecting"][data-mark="current"]').waitFor();
  t.is(await page.locator('.way.last').getAttribute('data-to'), 'injecting');
  t.is(await page.locator('[data-state="removing"][data-mark="visited"]').count(), 0);
});

test.serial(
  'a page with a hundred agents processes all of two thousand events and draws at most once per frame',
  async t => {
    const events = livelyRun(100);
    const { page } = await shown(t, events);
    await page.waitForSelector(`#app[data-index="${events.length - 1}"]`, { state: 'attached' });
    await page.locator('svg.flow a').nth(99).waitFor();
    t.is(await page.locator('svg.flow [data-mark="succeeded"]').count(), 100);
    t.is(await page.locator('.names a').count(), 100);
    await lookAt(page, 1000);
    t.true((await page.locator('svg.flow [data-mark="succeeded"]').count()) < 100);
  },
);

test.serial('a browser with another token gets 403, and a page of another site nothing', async t => {
  const { page } = await shown(t, livelyRun(1));
  const { origin, pathname } = new URL(page.url());
  const other = await page.context().newPage();
  const status = async (url: string) => (await other.goto(url))?.status();
  t.is(await status(`${origin}/${'0'.repeat(32)}/`), 403);
  t.is(await status(origin), 403);
  t.is(await status(`${origin}${pathname}charts`), 200);
  // Another site that has learned the address.
  const site = createServer((_, response) => response.end('elsewhere')).listen(0, '127.0.0.1');
  t.teardown(() => site.close());
  await once(site, 'listening');
  await other.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  const request = (init: string) =>
    other.evaluate(
      `fetch(${JSON.stringify(`${origin}${pathname}charts`)}, ${init}).then(({ type }) => type, () => 'refused')`,
    );
  t.is(await request('{}'), 'refused');
  t.is(await request("{ method: 'POST', body: '{}' }"), 'refused');
});
