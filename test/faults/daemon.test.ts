import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { eventually, type Place } from '../engine/flow.ts';
import { blows, type Case, casesOf, told } from './daemon-blows.ts';
import { holdingBack, isAtWork, isHeldBack, type PhaseName, phases } from './daemon-phases.ts';
import { type Fate, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { privateDaemon, upForTests } from './private-daemon.ts';
import { counted } from './scenarios.ts';

/**
 * A daemon that is away is never the agent's failure; one that ends its containers costs an attempt. To one that is only
 * stopped, live-restore means nothing: there it is asked once.
 */
const daemon = await privateDaemon();
upForTests(daemon);

const onDaemon = casesOf(daemon);
const faults = [true, false].flatMap(liveRestore => blows.map(blow => ({ liveRestore, blow })));
const endsContainers = ({ blow, liveRestore }: Pick<Case, 'blow' | 'liveRestore'>) =>
  !liveRestore && blow !== 'SIGSTOP';

const goOn = (here: Place) => writeFileSync(join(here.workspace, 'go'), '');
const waits = 'until [ -e go ]; do sleep 0.1; done';
const specOf = (network: string, { retries = 0, agent = waits } = {}) => ({
  agents: { worker: { ...counted(`touch up; ${agent}`), retries, network: { name: network } } },
});

async function isWell(t: ExecutionContext, here: Place, worker: Fate): Promise<void> {
  nothingLost(t, here, { worker });
  nothingDoubled(t, here, { worker });
  await nothingLeft(t, here);
}

for (const { blow, liveRestore } of faults)
  for (const when of Object.keys(phases) as PhaseName[]) {
    const { docker, isUp, isAtWork, reached } = phases[when];
    if (blow === 'SIGSTOP' && liveRestore && !isAtWork) continue;
    // Where there is no container yet, there is nothing to keep alive.
    if (liveRestore && isUp === false) continue;
    const isLost = isUp && endsContainers({ blow, liveRestore });
    const mayBeLost = isUp === null && blow !== 'SIGSTOP';
    const becomes = isLost ? 'costs an attempt' : mayBeLost ? 'costs an attempt at most' : 'costs nothing';
    onDaemon({ blow, liveRestore, when, docker }, becomes, async ({ t, here, network, env, strike }) => {
      const run = here.start(['run', here.write(specOf(network, { retries: 1 })), '--json'], { env });
      await reached(here);
      await strike();
      goOn(here);
      const { exitCode, stdout, stderr } = await run;
      t.is(exitCode, 0, String(stderr));
      const { attempts } = JSON.parse(String(stdout)).agents.worker;
      const lost = isLost || (mayBeLost && attempts.length > 1) ? ['infrastructure'] : [];
      t.deepEqual(waysOf(here), [...lost, 'succeeded'], String(stderr));
      t.is(attempts.length, lost.length + 1);
      if (blow !== 'SIGSTOP') t.true(told(here).includes('engine.reachable'));
      const starts = isLost && isAtWork ? 2 : 1;
      await isWell(t, here, { status: 'succeeded', exitCode: 0, starts: { exactly: starts } });
    });
  }

/** How each attempt came out. */
const waysOf = (here: Place) =>
  here
    .journal()
    .flatMap(event => (event.type === 'attempt.ended' ? [event.error?.kind ?? event.status] : []));

for (const fault of faults.filter(endsContainers)) {
  const where = { ...fault, when: 'while an agent without retries runs' };
  onDaemon(where, 'is a lost infrastructure', async ({ t, here, network, env, strike }) => {
    const run = here.start(['run', here.write(specOf(network)), '--json'], { env });
    await isAtWork(here);
    await strike();
    const { exitCode, stdout, stderr } = await run;
    t.is(exitCode, 3, String(stderr));
    t.is(JSON.parse(String(stdout)).agents.worker.error.kind, 'infrastructure');
    await isWell(t, here, { status: 'failed', exitCode: 143, starts: { exactly: 1 } });
  });
}

// Where a SIGTERM ends the containers, no agent can end while the daemon is away. What it prints meanwhile Docker loses.
for (const fault of faults.filter(fault => fault.blow === 'SIGKILL' || !endsContainers(fault))) {
  const where = { ...fault, when: 'and whose agent ends while it is away' };
  onDaemon(where, 'does not lose its outcome', async ({ t, here, network, env, strike }) => {
    const run = here.start(['run', here.write(specOf(network)), '--json'], { env });
    await isAtWork(here);
    const [id = ''] = await here.containers();
    const pid = await execa('docker', ['inspect', '--format={{.State.Pid}}', id], { env: daemon.env });
    await strike(async () => {
      goOn(here);
      await eventually(() => !daemon.lives(Number(pid.stdout)), 'the end of the container');
    });
    const { exitCode, stderr } = await run;
    t.is(exitCode, 0, String(stderr));
    await isWell(t, here, { status: 'succeeded', exitCode: 0, starts: { exactly: 1 } });
  });
}

for (const fault of faults) {
  const words = 'kill --signal=TERM';
  const where = { ...fault, when: 'while an agent is stopped', docker: holdingBack(words) };
  const agent = 'trap "" INT TERM HUP; while :; do sleep 1; done';
  onDaemon(where, 'keeps nobody waiting', async ({ t, here, network, env, strike }) => {
    const run = here.start(['run', here.write(specOf(network, { agent })), '--json'], { env });
    await isAtWork(here);
    run.kill('SIGINT');
    await isHeldBack(here, words);
    await strike(() => (fault.blow === 'SIGSTOP' ? null : run));
    const { exitCode, stderr } = await run;
    t.is(exitCode, fault.blow === 'SIGSTOP' ? 130 : 3, String(stderr));
    // What it could not remove is said, and left to whoever cleans up.
    if (fault.blow !== 'SIGSTOP') {
      t.regex(String(stderr), /could not confirm removal of .*\. Run agent-flow cleanup/);
      t.is((await here.agentFlow(['cleanup'], { env })).exitCode, 0);
    }
    await isWell(t, here, { status: 'cancelled', exitCode: null, starts: { exactly: 1 } });
  });
}
