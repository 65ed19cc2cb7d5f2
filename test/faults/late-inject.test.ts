import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../engine/flow.ts';
import { type ExpectedOutcome, endProcessesOf, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { counted, stage } from './scenarios.ts';
import { cell } from './tally.ts';

/**
 * An injection whose client is dead completes after the next supervisor has found no injection: the agent has ended
 * before that process injects it.
 */
const lateDocker = {
  "exec --interactive '*' agent-inject": `place=\${0%/fake/docker}
    if [ -e "$place/asked" ]; then
      xargs -0 -a "$place/asked" "$real" <"$place/script" >/dev/null; "$real" wait "$3" >/dev/null; exec "$real" "$@"
    fi
    cat >"$place/script"; printf '%s\\0' "$@" >"$place/asked"; exec sleep 3600`,
};

const expected: ExpectedOutcome = { status: 'succeeded', exitCode: 0, starts: { exactly: 1 } };
const title = "an injection of a killed supervisor that completes late is the agent's only start";

cell({ block: 'A', fault: 'late injection', title }, async t => {
  const { here, network, env } = stage(t, lateDocker);
  t.teardown(() => endProcessesOf(here));
  const worker = { ...counted('true'), network: { name: network } };
  const engine = here.start(['run', here.write({ agents: { worker } })], { env });
  await eventually(() => existsSync(join(here.path, 'asked')), 'an injection under way');
  engine.kill('SIGKILL');
  await engine;
  endProcessesOf(here);

  const { exitCode, stderr } = await here.agentFlow(['resume', '--json'], { env });
  t.is(exitCode, 0, stderr);
  nothingLost(t, here, { worker: expected });
  nothingDoubled(t, here, { worker: expected });
  await nothingLeft(t, here);
});
