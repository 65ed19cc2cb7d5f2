import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import type { ResultPromise } from 'execa';
import type { RunEvent } from '../../src/events.ts';
import { closeBrowser, lookAt, pageOf } from './browser.ts';
import { eventually, fakeDocker, isRunning, type Place, place, small } from './flow.ts';

test.after.always(closeBrowser);

const agent = (script: string) => ({ command: ['sh', '-c', script], workspace: 'workspace', ...small });

/** The address that a command prints. */
async function addressIn(command: ResultPromise): Promise<string> {
  for await (const line of createInterface({ input: command.stderr as Readable })) {
    const url = /^inspector[^:]*: (http:\S+)/.exec(line)?.[1];
    if (url) {
      // The rest of the output is not awaited, and must not fill the pipe.
      (command.stderr as Readable).resume();
      return url;
    }
  }
  throw new Error('no address was printed');
}

/** A page of a finished run; the command that serves it ends with the test. */
async function served(t: ExecutionContext, here: Place, args: readonly string[] = []): Promise<string> {
  const command = here.start(['inspector', ...args]);
  t.teardown(async () => {
    command.kill('SIGTERM');
    await command;
  });
  return addressIn(command);
}

const statesOf = (events: readonly RunEvent[], name: string) =>
  events.flatMap(event => (event.type === 'agent.state' && event.agent === name ? [event.state] : []));

const containerOf = (events: readonly RunEvent[], name: string) =>
  events
    .flatMap(event => (event.type === 'agent.state' && event.agent === name ? [event.containerId] : []))
    .findLast(id => id !== null) ?? 'none';

/** Count the docker clients with these words on their command line. */
function processes(words: readonly string[]): number {
  const lines = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(id => {
      try {
        return readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0');
      } catch {
        return [];
      }
    });
  return lines.filter(
    ([program = '', ...args]) => /(^|\/)docker$/.test(program) && words.every(word => args.includes(word)),
  ).length;
}

test.serial(
  "an agent fails, backs off and succeeds, and at every event the page shows the journal's state",
  async t => {
    const here = place(t);
    // Its creates fail transiently until the backoff is long enough to be seen: a step is retried, beside the attempt.
    const env = fakeDocker(here, {
      create: `case $* in *flaky*) ;; *) exec "$real" "$@" ;; esac; [ "$(cat '${here.path}/tries' 2>/dev/null | wc -l)" -ge 4 ] || { echo x >>'${here.path}/tries'; echo 'Error response from daemon: i/o timeout' >&2; exit 1; }; exec "$real" "$@"`,
    });
    const flaky =
      'echo this is attempt $AGENT_ATTEMPT; [ -e tried ] || { touch tried; sleep 1; exit 7; }; sleep 1';
    const spec = {
      name: 'seen',
      agents: {
        // Starts after the page has been opened.
        first: agent('while [ ! -e go ]; do sleep 0.2; done'),
        flaky: { ...agent(flaky), retries: 1, dependsOn: ['first'] },
      },
    };
    const command = here.start(['run', here.write(spec), '--inspect'], { env });
    const { page, complaints } = await pageOf(t, await addressIn(command));
    // Record every frame while it runs.
    await page.evaluate(`(() => {
    window.seen = [];
    new MutationObserver(() => {
      const word = document.querySelector('[data-agent="flaky"] .detail')?.textContent?.replace(/ · [0-9][^·]*[smhd]$/, '');
      if (word && window.seen.at(-1) !== word) window.seen.push(word);
    }).observe(document.getElementById('app'), { subtree: true, childList: true, characterData: true, attributes: true });
  })()`);
    await page.locator('[data-agent="flaky"][data-mark="waiting"]').waitFor();
    writeFileSync(join(here.workspace, 'go'), '');
    t.is((await command).exitCode, 0);
    const journal = here.journal();
    await page.waitForSelector(`#app[data-index="${journal.length - 1}"]`, { state: 'attached' });
    const seen = (await page.evaluate('window.seen')) as string[];
    // In this order, whatever else comes between; a wait that ended before it began is in no frame.
    const phases = ['waiting', 'backing off', 'running', 'running · attempt 2', 'succeeded · attempt 2'];
    t.deepEqual(
      seen.filter((word, index) => phases.includes(word) && seen.indexOf(word) === index),
      phases,
      String(seen),
    );

    // The supervisor that served the page has exited; the page has all the data.
    await page.locator('[data-agent="flaky"]').click();
    await page.waitForSelector('[data-state="reconciling"]');
    let current: string | null = null;
    for (const [index, event] of journal.entries()) {
      if (event.type === 'agent.state' && event.agent === 'flaky') current = event.state;
      await lookAt(page, index);
      const active = await page
        .locator('[data-mark="current"]')
        .evaluateAll(found => found.map(element => element.getAttribute('data-state')));
      t.deepEqual(active, current === null ? [] : [current], `event ${index + 1}`);
    }
    const states = statesOf(journal, 'flaky');
    for (const state of ['backingOff', 'retrying', 'running.working', 'removing.removingContainer', 'done'])
      t.true(states.includes(state), state);

    // Back to the failure: the transition with its event and cause, and the docker command that failed.
    const failed = journal.findIndex(event => event.type === 'agent.state' && event.state === 'backingOff');
    await lookAt(page, failed);
    const transition = page.getByRole('region', { name: 'Transition' });
    t.is(await transition.locator('.to').textContent(), 'backingOff');
    t.is(await transition.locator('.event').textContent(), 'createContainer failed');
    t.regex((await transition.locator('.cause').textContent()) ?? '', /i\/o timeout/);
    t.is(await page.locator('.way.last').getAttribute('data-to'), 'backingOff');
    t.is(await page.locator('.calls-table tr.bad').count(), 1);
    t.regex(
      (await page.locator('.calls-table tr.bad').textContent()) ?? '',
      /docker create.*i\/o timeout.*1$/s,
    );
    await page.getByRole('button', { name: 'Newest' }).click();
    await page.waitForSelector('[data-state="done"][data-mark="current"]');
    t.regex(
      (await page.getByRole('region', { name: 'Limits' }).textContent()) ?? '',
      /memory134217728|memory128m/,
    );
    t.regex(
      (await page.getByRole('region', { name: 'Labels' }).textContent()) ?? '',
      /tmux-agents\.attempt2/,
    );
    t.deepEqual(
      complaints.filter(text => !/ERR_CONNECTION|EventSource|net::/.test(text)),
      [],
    );
  },
);

test.serial(
  'a terminal shows what an agent prints, live and afterwards; nothing of it becomes markup',
  async t => {
    const here = place(t);
    const hostile = [
      'echo "<img src=x onerror=document.title=1>"',
      "printf '\\033]0;owned\\007\\033]8;;javascript:document.title=1\\007link\\033]8;;\\007\\n'",
      "printf '\\033]52;c;b3duZWQ=\\007'",
      'echo hunter2-$WORD-word',
    ].join('; ');
    const spec = {
      agents: {
        talks: {
          ...agent(`${hostile}; while [ ! -e go ]; do sleep 0.2; done; echo 'the very end'`),
          secrets: ['WORD'],
        },
      },
    };
    const command = here.start(['run', here.write(spec), '--inspect'], {
      env: { ...here.env, WORD: 'swordfish-77' },
    });
    const url = await addressIn(command);
    const { page, complaints } = await pageOf(t, url);
    await eventually(isRunning(here, 'talks'), 'the running agent');
    const following = () => processes(['logs', '--follow', containerOf(here.journal(), 'talks')]);
    t.is(following(), 0);
    await page.goto(`${url}#agent/talks/terminal`);
    const rows = page.locator('.xterm-rows');
    await rows.getByText('hunter2-[secret]-word', { exact: true }).waitFor();
    t.is(following(), 1);
    t.true(await rows.getByText('<img src=x onerror=document.title=1>', { exact: true }).isVisible());
    t.is(await page.locator('.xterm-rows img').count(), 0);
    t.regex(await page.title(), /^spec r\w{7}$/);
    t.true(await page.getByText('Read-only.').isVisible());

    await page.goto(`${url}#`);
    await eventually(() => following() === 0, 'the terminal to be released');
    await page.goto(`${url}#agent/talks/terminal`);
    await rows.getByText('hunter2-[secret]-word', { exact: true }).waitFor();
    writeFileSync(join(here.workspace, 'go'), '');
    await rows.getByText('the very end', { exact: true }).waitFor();
    await command;

    // Again from the transcript, with a search in it.
    const again = await pageOf(t, `${await served(t, here)}#agent/talks/terminal`);
    await again.page.locator('.xterm-rows').getByText('the very end', { exact: true }).waitFor();
    t.false((await again.page.locator('.xterm-rows').textContent())!.includes('agent-end'));
    await again.page.getByRole('searchbox').fill('the very end');
    await again.page.keyboard.press('Enter');
    await again.page.locator('.xterm-selection div').first().waitFor({ state: 'attached' });
    await again.page.getByRole('searchbox').fill('nowhere at all');
    await again.page.keyboard.press('Enter');
    await again.page.getByText('"nowhere at all" was not found').waitFor();
    const saved = await fetch(again.page.url().replace(/#.*/, 'terminal?save&agent=talks&attempt=1'));
    const text = await saved.text();
    t.true(text.includes('the very end'));
    t.false(text.includes('swordfish'));
    for (const { complaints: messages } of [{ complaints }, again])
      t.deepEqual(
        messages.filter(text => !/ERR_CONNECTION|EventSource|net::/.test(text)),
        [],
      );
  },
);

test.serial('typing reaches the agent only with --inspect-write', async t => {
  const here = place(t);
  const spec = { agents: { reader: agent('read answer; echo "it was <$answer>"; sleep 1') } };
  const command = here.start(['run', here.write(spec), '--inspect', '--inspect-write']);
  const url = await addressIn(command);
  const { page } = await pageOf(t, `${url}#agent/reader/terminal`);
  await page.getByText('What you type goes to the agent.').waitFor();
  await eventually(isRunning(here, 'reader'), 'the running agent');
  await page.locator('.xterm-screen').click();
  await page.keyboard.type('$(reboot); -X é');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Enter');
  t.is((await command).exitCode, 0);
  t.regex(here.transcript('reader'), /it was <\$\(reboot\); -X>/);
});

test.serial('the exported file of a finished run shows as much as the page and sends no request', async t => {
  const here = place(t);
  const file = `${here.path}/run.html`;
  const spec = { name: 'kept', agents: { fine: agent('echo hello'), broken: agent('exit 3') } };
  const { exitCode, stderr } = await here.run(spec, [`--html=${file}`]);
  t.is(exitCode, 1, stderr);
  const { page, complaints } = await pageOf(t, `file://${file}#agent/fine/terminal`);
  const requested: string[] = [];
  page.on('request', request => requested.push(request.url()));
  await page.locator('.xterm-rows').getByText('hello', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'kept' }).click();
  await page.locator('[data-agent="broken"][data-mark="failed"]').waitFor();
  await lookAt(page, 3);
  await page.locator('[data-agent="broken"][data-mark="failed"]').waitFor({ state: 'detached' });
  t.deepEqual(
    requested.filter(url => !/^(file|data|blob):/.test(url)),
    [],
  );
  t.deepEqual(complaints, []);
});

test.serial(
  'the page of a run whose supervisor was killed reports it and follows the one that resumes the run',
  async t => {
    const here = place(t);
    const run = here.start([
      'run',
      here.write({ agents: { waits: agent('while [ ! -e go ]; do sleep 0.2; done') } }),
    ]);
    await eventually(isRunning(here, 'waits'), 'the running agent');
    const { page } = await pageOf(t, await served(t, here));
    await page.getByText('live', { exact: true }).waitFor();
    run.kill('SIGKILL');
    await run;
    await page.getByText('interrupted: run agent-flow resume').waitFor();
    await page.locator('[data-agent="waits"][data-mark="running"]').waitFor();
    writeFileSync(join(here.workspace, 'go'), '');
    t.is((await here.agentFlow(['resume'])).exitCode, 0);
    await page.locator('[data-agent="waits"][data-mark="succeeded"]').waitFor();
    await page.getByText('finished', { exact: true }).waitFor();
  },
);
