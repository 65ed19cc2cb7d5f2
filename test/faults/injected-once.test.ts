import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { image } from '../container/box.ts';
import { endProcessesOf, type Fate, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { counted, stage } from './scenarios.ts';
import { cell } from './tally.ts';

/** Docker does what it is asked for, and says that it has not; the engine asks again, and `again` is there after that. */
const doubtful = {
  "exec --interactive '*' agent-inject": `mkdir once 2>/dev/null && { "$real" "$@" >/dev/null; echo 'unexpected EOF' >&2; exit 1; }
    "$real" "$@"; status=$?; : >workspace/again; exit $status`,
};

const fate: Fate = { status: 'succeeded', exitCode: 0, starts: { exactly: 1 } };
const title = 'an agent that is injected twice, since docker denied the first time, is typed to once';

cell({ block: 'B', fault: 'injected twice', title }, async t => {
  const { here, network, env } = stage(t, doubtful);
  t.teardown(() => endProcessesOf(here));
  // Whatever reaches its terminal while it works it writes down, until it was injected again and a second more.
  const agent = 'stty -icanon min 0 time 10; : >typed; until [ -e again ]; do cat >>typed; done; cat >>typed';
  const worker = { ...counted(agent), image: await image, network: { name: network } };
  const { exitCode, stderr } = await here.agentFlow(['run', here.write({ agents: { worker } }), '--json'], {
    env,
  });
  t.is(exitCode, 0, stderr);
  const injections = here
    .journal()
    .filter(event => event.type === 'docker.call' && event.argv.includes('agent-inject'));
  t.true(injections.length > 1, 'it was injected once only');
  t.is(readFileSync(join(here.workspace, 'typed'), 'utf8'), '', 'what was typed into the agent');
  nothingLost(t, here, { worker: fate });
  nothingDoubled(t, here, { worker: fate });
  await nothingLeft(t, here);
});
