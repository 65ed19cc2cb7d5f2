import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { eventually, type Place } from '../engine/flow.ts';
import { holdingBack, isAtWork, isHeldBack, type PhaseName, phases } from './daemon-phases.ts';
import { type Case, casesOf, daemonSignals, eventTypes } from './daemon-signals.ts';
import { type ExpectedOutcome, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { privateDaemon } from './private-daemon.ts';
import { counted } from './scenarios.ts';
import { upForTests } from './up-for-tests.ts';

/**
 * An unreachable daemon is never the agent's failure; one that ends its containers costs an attempt. live-restore makes
 * no difference to a daemon that is only stopped: that is tested once.
 */
const daemon = await privateDaemon();
upForTests(daemon);

const onDaemon = casesOf(daemon);
const faults = [true, false].flatMap(liveRestore => daemonSignals.map(signal => ({ liveRestore, signal })));
const endsContainers = ({ signal, liveRestore }: Pick<Case, 'signal' | 'liveRestore'>) =>
  !liveRestore && signal !== 'SIGSTOP';

const letFinish = (here: Place) => writeFileSync(join(here.workspace, 'go'), '');
const waits = 'until [ -e go ]; do sleep 0.1; done';
const specOf = (network: string, { retries = 0, agent = waits } = {}) => ({
  agents: { worker: { ...counted(`touch up; ${agent}`), retries, network: { name: network } } },
});

async function assertOutcome(t: ExecutionContext, here: Place, worker: ExpectedOutcome): Promise<void> {
  nothingLost(t, here, { worker });
  nothingDoubled(t, here, { worker });
  await nothingLeft(t, here);
}

for (const { signal, liveRestore } of faults)
  for (const when of Object.keys(phases) as PhaseName[]) {
    const { docker, isUp, isAtWork, reached } = phases[when];
    if (signal === 'SIGSTOP' && liveRestore && !isAtWork) continue;
    // Without a container there is nothing to keep alive.
    if (liveRestore && isUp === false) continue;
    const isLost = isUp && endsContainers({ signal, liveRestore });
    const mayBeLost = isUp === null && signal !== 'SIGSTOP';
    const outcome = isLost ? 'costs an attempt' : mayBeLost ? 'costs an attempt at most' : 'costs nothing';
    onDaemon({ signal, liveRestore, when, docker }, outcome, async ({ t, here, network, env, interrupt }) => {
      const run = here.start(['run', here.write(specOf(network, { retries: 1 })), '--json'], { env });
      await reached(here);
      await interrupt();
      letFinish(here);
      const { exitCode, stdout, stderr } = await run;
      t.is(exitCode, 0, String(stderr));
      const { attempts } = JSON.parse(String(stdout)).agents.worker;
      const lost = isLost || (mayBeLost && attempts.length > 1) ? ['infrastructure'] : [];
      t.deepEqual(waysOf(here), [...lost, 'succeeded'], String(stderr));
      t.is(attempts.length, lost.length + 1);
      if (signal !== 'SIGSTOP') t.true(eventTypes(here).includes('engine.reachable'));
      const starts = isLost && isAtWork ? 2 : 1;
      await assertOutcome(t, here, { status: 'succeeded', exitCode: 0, starts: { exactly: starts } });
    });
  }

/** The outcome of each attempt. */
const waysOf = (here: Place) =>
  here
    .journal()
    .flatMap(event => (event.type === 'attempt.ended' ? [event.error?.kind ?? event.status] : []));

for (const fault of faults.filter(endsContainers)) {
  const where = { ...fault, when: 'while an agent without retries runs' };
  onDaemon(where, 'fails as infrastructure', async ({ t, here, network, env, interrupt }) => {
    const run = here.start(['run', here.write(specOf(network)), '--json'], { env });
    await isAtWork(here);
    await interrupt();
    const { exitCode, stdout, stderr } = await run;
    t.is(exitCode, 3, String(stderr));
    t.is(JSON.parse(String(stdout)).agents.worker.error.kind, 'infrastructure');
    await assertOutcome(t, here, { status: 'failed', exitCode: 143, starts: { exactly: 1 } });
  });
}

// If a SIGTERM ends the containers, no agent can end while the daemon is unreachable. Docker loses its output meanwhile.
for (const fault of faults.filter(fault => fault.signal === 'SIGKILL' || !endsContainers(fault))) {
  const where = { ...fault, when: 'and whose agent ends while it is away' };
  onDaemon(where, 'keeps its outcome', async ({ t, here, network, env, interrupt }) => {
    const run = here.start(['run', here.write(specOf(network)), '--json'], { env });
    await isAtWork(here);
    const [id = ''] = await here.containers();
    const pid = await execa('docker', ['inspect', '--format={{.State.Pid}}', id], { env: daemon.env });
    await interrupt(async () => {
      letFinish(here);
      await eventually(() => !daemon.lives(Number(pid.stdout)), 'the end of the container');
    });
    const { exitCode, stderr } = await run;
    t.is(exitCode, 0, String(stderr));
    await assertOutcome(t, here, { status: 'succeeded', exitCode: 0, starts: { exactly: 1 } });
  });
}

for (const fault of faults) {
  const words = 'kill --signal=TERM';
  const where = { ...fault, when: 'while an agent is stopped', docker: holdingBack(words) };
  const agent = 'trap "" INT TERM HUP; while :; do sleep 1; done';
  onDaemon(where, 'does not block the run', async ({ t, here, network, env, interrupt }) => {
    const run = here.start(['run', here.write(specOf(network, { agent })), '--json'], { env });
    await isAtWork(here);
    run.kill('SIGINT');
    await isHeldBack(here, words);
    await interrupt(() => (fault.signal === 'SIGSTOP' ? null : run));
    const { exitCode, stderr } = await run;
    t.is(exitCode, fault.signal === 'SIGSTOP' ? 130 : 3, String(stderr));
    // An unconfirmed removal is reported and left to cleanup.
    if (fault.signal !== 'SIGSTOP') {
      t.regex(String(stderr), /could not confirm removal of .*\. Run agent-flow cleanup/);
      t.is((await here.agentFlow(['cleanup'], { env })).exitCode, 0);
    }
    await assertOutcome(t, here, { status: 'cancelled', exitCode: null, starts: { exactly: 1 } });
  });
}
