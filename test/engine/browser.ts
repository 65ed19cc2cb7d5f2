import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const names = process.env.CHROMIUM
  ? [process.env.CHROMIUM]
  : ['chromium', 'chromium-browser', 'google-chrome'];

export const chromiumPath = (): string => {
  const found = (process.env.PATH ?? '')
    .split(':')
    .flatMap(folder => names.map(name => (name.includes('/') ? name : join(folder, name))))
    .find(existsSync);
  if (!found) throw new Error('there is no Chromium here: scripts/chromium installs one');
  return found;
};

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
}

/** A Chromium of its own, with nobody's profile. */
export async function openBrowser({ width = 1280, height = 800, dark = false }: Look = {}): Promise<{
  readonly context: BrowserContext;
  close(): Promise<void>;
}> {
  const profile = mkdtempSync(join(tmpdir(), 'agent-flow-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    headless: true,
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** A page of a browser of its own, that is gone with the test; with what it complained of. */
export async function pageOf(t: Pick<ExecutionContext, 'teardown'>, url: string, look: Look = {}) {
  const { context, close } = await openBrowser(look);
  t.teardown(close);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', error => complaints.push(error.message));
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/** What the page shows, of its own events: all in one go, so that nothing comes in between. */
export const looking = {
  /** Moves the slider to an event, and waits until the page shows it. */
  async at(page: Page, index: number): Promise<void> {
    const slider = page.getByRole('slider', { name: 'Event' });
    await slider.evaluate((element, to) => {
      const input = element as unknown as { value: string; dispatchEvent(event: Event): boolean };
      input.value = String(to);
      input.dispatchEvent(new Event('input', { bubbles: true }));
    }, index);
    await page.waitForSelector(`#app[data-index="${index}"]`, { state: 'attached' });
  },
};
