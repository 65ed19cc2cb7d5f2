import test from 'ava';
import { canary } from './canary.ts';
import { endProcessesOf, type Fate, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { nameOf, positions } from './positions.ts';
import { scenarioFor, specOf, stage } from './scenarios.ts';
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
const chosen = positions.filter(position => isWhole || telling.includes(nameOf(position)));

for (const { signal, exitCode } of signals)
  for (const { state, moment } of chosen) {
    const name = nameOf({ state, moment });
    const title = `${signal} at ${name} stops and removes everything, and the run is over`;
    cell({ block: 'A', fault: signal, title }, async t => {
      const scenario = scenarioFor(state);
      const { here, network, env, failing } = stage(t, scenario.docker);
      t.teardown(() => endProcessesOf(here));
      const file = here.write(specOf(scenario, network));
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
      t.regex(again.stderr, /every run is over/);
    });
  }
