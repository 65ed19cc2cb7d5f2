import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, isRunning } from '../engine/flow.ts';
import { type ExpectedOutcome, endProcessesOf, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { counted, stage } from './scenarios.ts';
import { cell, isWhole } from './tally.ts';

const size = isWhole ? 100 : 10;
const names = Array.from({ length: size }, (_, index) => `agent-${index}`);
const title = `${size} running containers are reconciled with at most 4 docker commands`;

cell({ block: 'A', fault: 'many at once', title }, async t => {
  t.timeout(1_200_000);
  const { here, network } = stage(t);
  t.teardown(() => endProcessesOf(here));
  const agents = Object.fromEntries(
    names.map(name => [
      name,
      { ...counted('until [ -e go ]; do sleep 1; done', `starts-${name}`), network: { name: network } },
    ]),
  );
  const options = { env: { ...here.env, TMPDIR: join(here.path, 'tmp') }, timeout: 900_000 };
  const file = here.write({ concurrency: size, agents });
  const engine = here.start(['run', file], options);
  for (const name of names) await eventually(isRunning(here, name), `a running ${name}`);
  engine.kill('SIGKILL');
  await engine;

  const before = here.shimmed().length;
  const events = here.journal().length;
  const resumed = here.start(['resume', '--json'], options);
  const found = () =>
    new Set(
      here
        .journal()
        .slice(events)
        .flatMap(event =>
          event.type === 'agent.state' && event.state.startsWith('running') ? [event.agent] : [],
        ),
    ).size === size;
  await eventually(found, 'all agents running again');
  const commands = here.shimmed().slice(before);
  t.log(commands.join(' '));
  t.true(commands.length <= 4, commands.join(' '));

  writeFileSync(join(here.workspace, 'go'), '');
  const { exitCode, stderr } = await resumed;
  t.is(exitCode, 0, String(stderr));
  const expectations = Object.fromEntries(
    names.map((name): [string, ExpectedOutcome] => [
      name,
      { status: 'succeeded', exitCode: 0, starts: { exactly: 1 }, counter: `starts-${name}` },
    ]),
  );
  nothingLost(t, here, expectations);
  nothingDoubled(t, here, expectations);
  await nothingLeft(t, here);
});
