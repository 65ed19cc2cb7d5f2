import test from 'ava';
import { canary } from './canary.ts';
import { type ExpectedOutcome, endProcessesOf, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { milestones, nameOf, positions } from './positions.ts';
import { prepareScenario, scenarioFor, specOf, stage } from './scenarios.ts';
import { cell, isWhole } from './tally.ts';

const foreign = await canary();
test.after.always(() => foreign.remove());

const representative = [
  'networking:effect',
  'creating:flight',
  'creating:effect',
  'starting:flight',
  'injecting:effect',
];
const late = [
  'checking:flight',
  'check.ended:after',
  'collecting.reading:flight',
  'removing.removingContainer:effect',
  'run.started:before',
  'run.ended:before',
];
const chosen = [...positions.map(nameOf), ...milestones].filter(
  name => isWhole || [...representative, ...late].includes(name),
);

for (const name of chosen) {
  const state = name.split(':')[0]!;
  const title = `a supervisor that is killed at ${name} loses, repeats, leaves and changes nothing`;
  cell({ block: 'A', fault: 'SIGKILL', title }, async t => {
    const scenario = scenarioFor(state);
    const { here, network, env, failing } = stage(t, scenario.docker);
    t.teardown(() => endProcessesOf(here));
    const file = here.write(specOf(scenario, network));
    prepareScenario(t, scenario, here);
    const cancel = scenario.cancelled ? { AGENT_FLOW_CANCEL_WHEN: `${here.workspace}/up` } : {};
    const killed = await here.start(['run', file, '--json'], {
      env: failing({ AGENT_FLOW_FAILPOINT: name, ...cancel }),
      detached: true,
    });
    t.is(killed.signal, 'SIGKILL', `never reached ${name}: ${killed.stderr}`);

    const isOver = name === 'run.ended:after';
    const { exitCode, stderr } = await here.agentFlow(['resume', '--json'], { env });
    t.is(exitCode, isOver || !scenario.cancelled ? 0 : 1, stderr);
    const expected: ExpectedOutcome = {
      status: scenario.cancelled ? 'cancelled' : 'succeeded',
      exitCode: scenario.cancelled ? null : 0,
      starts: { exactly: scenario.starts },
    };
    nothingLost(t, here, { worker: expected });
    nothingDoubled(t, here, { worker: expected });
    await nothingLeft(t, here, { deadLock: isOver });
    await foreign.isUntouched(t);
  });
}
