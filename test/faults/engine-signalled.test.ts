import test from 'ava';
import { eventually, isRunning } from '../engine/flow.ts';
import { canary } from './canary.ts';
import { endProcessesOf, type Fate, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { nameOf, positions } from './positions.ts';
import { counted, lend, printed, scenarioFor, specOf, stage, startsOf } from './scenarios.ts';
import { cell, isWhole } from './tally.ts';

const foreign = await canary();
test.after.always(() => foreign.remove());

/** One that has come to its own end keeps its outcome, whoever asks for a stop then. */
const isAtItsEnd = (name: string) => /^(running:effect|collecting|removing)/.test(name);

const signals = [
  { signal: 'SIGTERM', exitCode: 143 },
  { signal: 'ctrl-c', exitCode: 130 },
];
const telling = ['creating:flight', 'starting:effect', 'running:flight'];
// A signal is not sudden: what was only meant to be done is like what is being done.
const chosen = positions.filter(position =>
  isWhole ? position.moment !== 'intent' : telling.includes(nameOf(position)),
);

for (const { signal, exitCode } of signals)
  for (const { state, moment } of chosen) {
    const name = nameOf({ state, moment });
    const title = `${signal} at ${name} stops and removes everything, and the run is over`;
    cell({ block: 'A', fault: signal, title }, async t => {
      const scenario = scenarioFor(state);
      const { here, network, env, failing } = stage(t, scenario.docker);
      t.teardown(() => endProcessesOf(here));
      const file = here.write(specOf(scenario, network));
      lend(t, scenario, here);
      const cancel = scenario.cancelled ? { AGENT_FLOW_CANCEL_WHEN: `${here.workspace}/up` } : {};
      const ended = await here.start(['run', file, '--json'], {
        env: failing({ AGENT_FLOW_FAILPOINT: name, AGENT_FLOW_FAILSIGNAL: signal, ...cancel }),
        detached: true,
      });
      // The first signal is what a run that was stopped ends with.
      t.is(ended.exitCode, scenario.cancelled ? 130 : exitCode, String(ended.stderr));

      const fate: Fate = isAtItsEnd(name)
        ? { status: 'succeeded', exitCode: 0, starts: { exactly: 1 } }
        : { status: 'cancelled', exitCode: null, starts: { atMost: scenario.starts } };
      nothingLost(t, here, { worker: fate });
      nothingDoubled(t, here, { worker: fate });
      await nothingLeft(t, here);
      await foreign.isUntouched(t);
      const again = await here.agentFlow(['resume'], { env });
      t.is(again.exitCode, 0);
      t.regex(again.stderr, /every run has finished/);
    });
  }

for (const { moment } of positions.filter(({ state }) => state === 'reconciling')) {
  if (moment === 'intent' || (!isWhole && moment !== 'flight')) continue;
  const title = `ctrl-c at reconciling:${moment} of a run that is resumed stops what it finds, and keeps what that has printed`;
  cell({ block: 'A', fault: 'ctrl-c', title }, async t => {
    const { here, network, env, failing } = stage(t);
    t.teardown(() => endProcessesOf(here));
    const worker = { ...counted('sleep 300'), network: { name: network } };
    const engine = here.start(['run', here.write({ agents: { worker } })], { env });
    await eventually(isRunning(here, 'worker'), 'a running agent');
    await eventually(() => startsOf(here) === 1, 'the start of the agent');
    engine.kill('SIGKILL');
    await engine;
    const ended = await here.start(['resume', '--json'], {
      env: failing({ AGENT_FLOW_FAILPOINT: `reconciling:${moment}`, AGENT_FLOW_FAILSIGNAL: 'ctrl-c' }),
      detached: true,
    });
    t.is(ended.exitCode, 130, String(ended.stderr));
    const fate: Fate = { status: 'cancelled', exitCode: null, starts: { exactly: 1 } };
    nothingLost(t, here, { worker: fate });
    nothingDoubled(t, here, { worker: fate });
    t.true(here.transcript('worker').includes(`line ${printed}`));
    await nothingLeft(t, here);
    await foreign.isUntouched(t);
  });
}
