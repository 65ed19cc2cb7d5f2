#!/usr/bin/env node
// Benchmark the inspector's page with a hundred agents and two thousand events against one with few. Prints ratios, since
// a time measures the machine as much as the page. Needs a Chromium (scripts/chromium).
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openInspector } from '../../src/inspector/server.ts';
import { openStateDir } from '../../src/store/state-directory.ts';
import { closeBrowser, visitor } from '../../test/engine/browser.ts';
import { writeRun } from '../../test/unit/_helpers/command-line.ts';
import { livelyRun } from '../../test/unit/inspector/lively.ts';

/** Events a second while it lives, and for how many of them. */
const rate = 60;
const seconds = 5;

const few = await measured(4);
const many = await measured(100);
await closeBrowser();
const ratio = (of: (measure: typeof few) => number) => (of(many) / of(few)).toFixed(2);
console.log(`events                     ${few.events} | ${many.events}`);
console.log(`first paint, ms            ${few.paint} | ${many.paint} | ${ratio(({ paint }) => paint)} times`);
console.log(
  `frames a second, at ${rate}/s   ${few.frames} | ${many.frames} | ${ratio(({ frames }) => frames)} times`,
);
console.log(
  `longest frame, ms          ${few.longest} | ${many.longest} | ${ratio(({ longest }) => longest)} times`,
);
console.log(`events that were not taken ${few.lost} | ${many.lost}`);

async function measured(agents: number) {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-bench-'));
  const events = livelyRun(agents);
  const live = Math.min(rate * seconds, events.length >> 1);
  writeRun(path, 'r1234567', [], events.slice(0, -live));
  const folder = openStateDir(path).run('r1234567');
  const terminals = { read: async () => false, type: async () => {} };
  const inspector = await openInspector({
    port: 0,
    mayWrite: false,
    terminals: () => terminals,
    approvals: () => ({ decide: () => Promise.reject(new Error('read-only')) }),
  });
  inspector.show(folder);
  const context = await visitor();
  try {
    const page = await context.newPage();
    await page.goto(inspector.url);
    await page
      .locator('svg.flow a')
      .nth(agents - 1)
      .waitFor({ state: 'attached' });
    const paint = Number(
      await page.evaluate(`performance.getEntriesByName('first-contentful-paint')[0].startTime`),
    );
    await page.evaluate(`(() => {
      window.frames = [];
      const frame = at => { window.frames.push(at); requestAnimationFrame(frame); };
      requestAnimationFrame(frame);
    })()`);
    const began = Date.now();
    for (const [index, event] of events.slice(-live).entries()) {
      appendFileSync(folder.journal, `${JSON.stringify(event)}\n`);
      inspector.poll();
      await delay(Math.max(0, began + ((index + 1) * 1000) / rate - Date.now()));
    }
    await delay(300);
    const frames = (await page.evaluate('window.frames')) as number[];
    const gaps = frames.slice(1).map((at, index) => at - frames[index]!);
    const shown = Number(await page.locator('#app').getAttribute('data-index')) + 1;
    return {
      events: events.length,
      paint: Math.round(paint),
      frames: Math.round((gaps.length * 1000) / (frames.at(-1)! - frames[0]!)),
      longest: Math.round(Math.max(...gaps)),
      lost: events.length - shown,
    };
  } finally {
    await context.close();
    await inspector.close();
    rmSync(path, { recursive: true, force: true });
  }
}
