import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Browser, chromium, type Page } from 'playwright-core';

const names = process.env.CHROMIUM
  ? [process.env.CHROMIUM]
  : ['chromium', 'chromium-browser', 'google-chrome'];

const chromiumPath = (): string => {
  const found = (process.env.PATH ?? '')
    .split(':')
    .flatMap(folder => names.map(name => (name.includes('/') ? name : join(folder, name))))
    .find(existsSync);
  if (!found) throw new Error('Chromium is missing: scripts/chromium installs it');
  return found;
};

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
}

let launched: Promise<Browser> | null = null;

/** A Chromium for a whole test file, with an empty profile. */
function browser(): Promise<Browser> {
  launched ??= chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return launched;
}

export async function closeBrowser(): Promise<void> {
  await (await launched)?.close();
  launched = null;
}

/** Open a fresh browser context with long timeouts for a busy machine. */
export async function visitor({ width = 1280, height = 800, dark = false }: Look = {}) {
  const context = await (await browser()).newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(240_000);
  return context;
}

/** A page that closes with the test, and the errors it reported. */
export async function pageOf(t: Pick<ExecutionContext, 'teardown'>, url: string, look: Look = {}) {
  const context = await visitor(look);
  t.teardown(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', error => complaints.push(error.message));
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/** Move the slider to an event, and wait until the page shows it. */
export async function lookAt(page: Page, index: number): Promise<void> {
  const slider = page.getByRole('slider', { name: 'Event' });
  await slider.evaluate((element, to) => {
    const input = element as unknown as { value: string; dispatchEvent(event: Event): boolean };
    input.value = String(to);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }, index);
  await page.waitForSelector(`#app[data-index="${index}"]`, { state: 'attached' });
}
