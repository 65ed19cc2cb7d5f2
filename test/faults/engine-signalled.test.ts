import test from 'ava';
import { eventually, isRunning } from '../engine/flow.ts';
import { canary } from './canary.ts';
import { type ExpectedOutcome, endProcessesOf, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { nameOf, positions } from './positions.ts';
import { counted, prepareScenario, printed, scenarioFor, specOf, stage, startsOf } from './scenarios.ts';
import { cell, isWhole } from './tally.ts';

const foreign = await canary();
test.after.always(() => foreign.remove());

/** An agent that has ended by itself keeps its outcome after a later stop. */
const isAtItsEnd = (name: string) => /^(running:effect|collecting|removing)/.test(name);

const signals = [
  { signal: 'SIGTERM', exitCode: 143 },
  { signal: 'ctrl-c', exitCode: 130 },
];
const representative = ['creating:flight', 'starting:effect', 'running:flight'];
// A signal is handled later, so an action that is only intended does not differ from one under way.
const chosen = positions.filter(position =>
  isWhole ? position.moment !== 'intent' : representative.includes(nameOf(position)),
);

for (const { signal, exitCode } of signals)
  for (const { state, moment } of chosen) {
    const name = nameOf({ state, moment });
    const title = `${signal} at ${name} stops and removes everything, and the run ends`;
    cell({ block: 'A', fault: signal, title }, async t => {
      const scenario = scenarioFor(state);
      const { here, network, env, failing } = stage(t, scenario.docker);
      t.teardown(() => endProcessesOf(here));
      const file = here.write(specOf(scenario, network));
      prepareScenario(t, scenario, here);
      const cancel = scenario.cancelled ? { AGENT_FLOW_CANCEL_WHEN: `${here.workspace}/up` } : {};
      const ended = await here.start(['run', file, '--json'], {
        env: failing({ AGENT_FLOW_FAILPOINT: name, AGENT_FLOW_FAILSIGNAL: signal, ...cancel }),
        detached: true,
      });
      // A stopped run exits with the code of the first signal.
      t.is(ended.exitCode, scenario.cancelled ? 130 : exitCode, String(ended.stderr));

      const expected: ExpectedOutcome = isAtItsEnd(name)
        ? { status: 'succeeded', exitCode: 0, starts: { exactly: 1 } }
        : { status: 'cancelled', exitCode: null, starts: { atMost: scenario.starts } };
      nothingLost(t, here, { worker: expected });
      nothingDoubled(t, here, { worker: expected });
      await nothingLeft(t, here);
      await foreign.isUntouched(t);
      const again = await here.agentFlow(['resume'], { env });
      t.is(again.exitCode, 0);
      t.regex(again.stderr, /every run has finished/);
    });
  }

for (const { moment } of positions.filter(({ state }) => state === 'reconciling')) {
  if (moment === 'intent' || (!isWhole && moment !== 'flight')) continue;
  const title = `ctrl-c at reconciling:${moment} of a resumed run stops the agent and keeps its output`;
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
    const expected: ExpectedOutcome = { status: 'cancelled', exitCode: null, starts: { exactly: 1 } };
    nothingLost(t, here, { worker: expected });
    nothingDoubled(t, here, { worker: expected });
    t.true(here.transcript('worker').includes(`line ${printed}`));
    await nothingLeft(t, here);
    await foreign.isUntouched(t);
  });
}
