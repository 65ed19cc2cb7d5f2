import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { countedWorker, eventually, hasBegun, type Place, place, starts } from './flow.ts';

const hour = 3_600_000;

/** The environment of an agent-flow whose clock differs from the engine's. */
function off(here: Place, ms: number): NodeJS.ProcessEnv {
  const file = join(here.path, `clock${ms}.mjs`);
  writeFileSync(file, `const now = Date.now; Date.now = () => now() + ${ms};\n`);
  return { ...here.env, NODE_OPTIONS: `--import=${pathToFileURL(file)}` };
}

for (const ms of [-hour, hour]) {
  const title = ms < 0 ? 'an hour behind' : 'an hour ahead';

  test(`an agent is retried without delay when the clock is ${title} of the engine's`, async t => {
    const here = place(t);
    const spec = {
      agents: { worker: countedWorker('[ "$(wc -l <starts)" -gt 1 ] || exit 3', { retries: 1 }) },
    };
    const { exitCode, stderr } = await here.run(spec, [], { env: off(here, ms) });
    t.is(exitCode, 0, stderr);
    const waits = here
      .journal()
      .flatMap(event => (event.type === 'agent.state' && event.state === 'retrying' ? [event] : []));
    t.is(waits.length, 1);
    t.true(waits[0]!.until! - waits[0]!.at <= 1_000, 'the backoff is measured by one clock');
    t.is(starts(here), 2);
  });

  test(`resume finds a healthy agent running when its clock is ${title} of the last supervisor's`, async t => {
    const here = place(t);
    const wait = countedWorker('until [ -e go ]; do sleep 0.1; done', { timeouts: { run: '10m' } });
    const first = here.start(['run', here.write({ agents: { worker: wait } })], {
      env: off(here, -ms / 2),
    });
    await eventually(hasBegun(here, 'worker'), 'an agent that runs');
    first.kill('SIGKILL');
    await first;
    const resumed = here.start(['resume', '--json'], { env: off(here, ms / 2) });
    const isResumed = () => here.journal().filter(({ type }) => type === 'run.started').length === 2;
    await eventually(isResumed, 'a run that is resumed');
    await eventually(() => {
      const later = here.journal().slice(here.journal().findLastIndex(({ type }) => type === 'run.started'));
      return later.some(event => event.type === 'agent.state' && event.state.startsWith('running'));
    }, 'an agent that is found running');
    writeFileSync(join(here.workspace, 'go'), '');
    const { exitCode, stderr } = await resumed;
    t.is(exitCode, 0, String(stderr));
    t.is(starts(here), 1);
  });
}
