import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { eventually, type Place } from '../engine/flow.ts';
import { type ExpectedOutcome, endProcessesOf, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { counted, stage } from './scenarios.ts';
import { cell } from './tally.ts';

/**
 * A create whose client is dead, and that docker completes at the worst moment: while the run is stopped, after checks
 * that have not found the container. It needs no clock: it completes after the fourth check, or at the end.
 */
const lands = 4;

/** A request waits as a file in the folder of a place, `place`. */
const land = `mv "$place/create" "$place/landed" && xargs -0 "$real" <"$place/landed" >/dev/null 2>&1`;
const lateDocker = {
  create: `place=\${0%/fake/docker}; printf '%s\\0' "$@" >"$place/half"; mv "$place/half" "$place/create"; exec sleep 3600`,
  ps: `place=\${0%/fake/docker}; "$real" "$@"; code=$?
    if [ -e "$place/stopping" ]; then
      echo look >>"$place/looks"
      [ "$(wc -l <"$place/looks")" -ne ${lands} ] || { ${land}; }
    fi
    exit $code`,
};

const landNow = (here: Place) =>
  execa('sh', ['-c', land], { env: { ...here.env, place: here.path, real: 'docker' }, reject: false });

const expected: ExpectedOutcome = { status: 'cancelled', exitCode: null, starts: { exactly: 0 } };
const title = 'a create of a killed supervisor that completes while its run is stopped is removed';

cell({ block: 'A', fault: 'late create', title }, async t => {
  const { here, network, env } = stage(t, lateDocker);
  t.teardown(() => endProcessesOf(here));
  const worker = { ...counted('true'), network: { name: network } };
  const engine = here.start(['run', here.write({ agents: { worker } })], { env });
  await eventually(() => existsSync(join(here.path, 'create')), 'a create under way');
  engine.kill('SIGKILL');
  await engine;
  endProcessesOf(here);

  writeFileSync(join(here.path, 'stopping'), '');
  const stopped = await here.agentFlow(['stop'], { env });
  t.is(stopped.exitCode, 0, stopped.stderr);
  await landNow(here);
  nothingLost(t, here, { worker: expected });
  nothingDoubled(t, here, { worker: expected });
  await nothingLeft(t, here);
});
