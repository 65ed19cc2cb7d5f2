// Take the screenshots of docs/inspector.md; run by scripts/screenshots. They show a small flow with an agent that fails
// once and one that prints in colours.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { inspectorOf } from '../src/commands/inspector/open.ts';
import type { RunEvent } from '../src/events.ts';
import { runFlow } from '../src/run/run-flow.ts';
import { openStateDir } from '../src/store/state-directory.ts';
import { closeBrowser, type Look, lookAt, visitor } from '../test/engine/browser.ts';

const docs = join(import.meta.dirname, '..', 'docs');
const place = mkdtempSync(join(tmpdir(), 'agent-flow-screenshots-'));
const stateDir = openStateDir(join(place, 'state'));
mkdirSync(join(place, 'workspace'));

const agent = (script: string, more: object = {}) => ({
  command: ['sh', '-c', script],
  workspace: join(place, 'workspace'),
  memory: '128m',
  cpus: 1,
  ...more,
});
const tests = String.raw`
printf '\033[1m> node --test\033[0m\n\n'
for name in parses adds subtracts 'rounds half to even' 'reports errors'; do
  sleep 0.3; printf '\033[32m✔\033[0m %s \033[2m(%s ms)\033[0m\n' "$name" $((RANDOM % 9 + 1))
done
[ -e /workspace/tried ] || { touch /workspace/tried; printf '\033[31m✖ formats\033[0m\n'; exit 1; }
printf '\033[32m✔\033[0m formats\n\n\033[1m6 passed\033[0m\n'`;
const spec = {
  name: 'fix-and-review',
  concurrency: 3,
  agents: {
    fixer: agent('echo looking for the bug; sleep 2'),
    tests: agent(`exec bash -c '${tests.replaceAll("'", "'\\''")}'`, { retries: 1, dependsOn: ['fixer'] }),
    docs: agent('sleep 3', { dependsOn: ['fixer'] }),
    lint: agent('echo nothing to say; sleep 1', { dependsOn: ['fixer'] }),
    reviewer: agent('sleep 2; exit 3', { dependsOn: ['tests', 'docs'] }),
    release: agent('true', { dependsOn: ['reviewer', 'lint'] }),
  },
};

const events: RunEvent[] = [];
let runId = '';
const inspector = await inspectorOf({ port: 0, mayWrite: false });
try {
  await runFlow(spec, {
    stateDir: stateDir.path,
    onEvent(event) {
      events.push(event);
      if (event.type === 'run.started') runId = event.runId;
    },
  });
  inspector.show(stateDir.run(runId));
  await shoot('inspector-flow.png', '', page => page.locator('svg.flow').waitFor());
  // Its second attempt, as it runs.
  const runs = events.findLastIndex(
    event => event.type === 'agent.state' && event.agent === 'tests' && event.state === 'running.working',
  );
  await shoot('inspector-agent.png', '#agent/tests', async page => {
    await page.locator('[data-mark="current"]').waitFor();
    await lookAt(page, runs);
  });
  await shoot(
    'inspector-terminal.png',
    '#agent/tests/terminal',
    page => page.locator('.xterm-rows').getByText('passed').waitFor(),
    { dark: true },
  );
  await shoot('inspector-narrow.png', '', page => page.locator('svg.flow').waitFor(), {
    width: 360,
    height: 720,
  });
} finally {
  await closeBrowser();
  await inspector.close();
  rmSync(place, { recursive: true, force: true });
}

async function shoot(
  name: string,
  hash: string,
  ready: (page: Page) => Promise<void>,
  look: Look = {},
): Promise<void> {
  const context = await visitor({ width: 1280, height: 860, ...look });
  try {
    const page = await context.newPage();
    await page.goto(inspector.url + hash);
    await ready(page);
    writeFileSync(join(docs, name), await page.screenshot());
    console.log(`docs/${name}`);
  } finally {
    await context.close();
  }
}
