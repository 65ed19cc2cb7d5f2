import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { image } from '../container/box.ts';
import { type ExpectedOutcome, endProcessesOf, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { counted, stage } from './scenarios.ts';
import { cell } from './tally.ts';

/** Docker injects, but reports a failure; the supervisor injects again, and creates `again` after that. */
const falseFailure = {
  "exec --interactive '*' agent-inject": `mkdir once 2>/dev/null && { "$real" "$@" >/dev/null; echo 'unexpected EOF' >&2; exit 1; }
    "$real" "$@"; status=$?; : >workspace/again; exit $status`,
};

const expected: ExpectedOutcome = { status: 'succeeded', exitCode: 0, starts: { exactly: 1 } };
const title = 'an agent that is injected twice, after a false failure, gets its input once';

cell({ block: 'B', fault: 'injected twice', title }, async t => {
  const { here, network, env } = stage(t, falseFailure);
  t.teardown(() => endProcessesOf(here));
  // The agent records all input of its terminal, until a second after it was injected again.
  const agent = 'stty -icanon min 0 time 10; : >typed; until [ -e again ]; do cat >>typed; done; cat >>typed';
  const worker = { ...counted(agent), image: await image, network: { name: network } };
  const { exitCode, stderr } = await here.agentFlow(['run', here.write({ agents: { worker } }), '--json'], {
    env,
  });
  t.is(exitCode, 0, stderr);
  const injections = here
    .journal()
    .filter(event => event.type === 'docker.call' && event.argv.includes('agent-inject'));
  t.true(injections.length > 1, 'it was injected only once');
  t.is(readFileSync(join(here.workspace, 'typed'), 'utf8'), '', 'the text typed into the agent');
  nothingLost(t, here, { worker: expected });
  nothingDoubled(t, here, { worker: expected });
  await nothingLeft(t, here);
});
