import test from 'ava';
import { canary } from './canary.ts';
import { endProcessesOf, type Fate, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { milestones, nameOf, positions } from './positions.ts';
import { lend, scenarioFor, specOf, stage } from './scenarios.ts';
import { cell, isWhole } from './tally.ts';

const foreign = await canary();
test.after.always(() => foreign.remove());

const telling = [
  'networking:effect',
  'creating:flight',
  'creating:effect',
  'starting:flight',
  'injecting:effect',
];
const late = [
  'collecting.reading:flight',
  'removing.removingContainer:effect',
  'run.started:before',
  'run.ended:before',
];
const chosen = [...positions.map(nameOf), ...milestones].filter(
  name => isWhole || [...telling, ...late].includes(name),
);

for (const name of chosen) {
  const state = name.split(':')[0]!;
  const title = `an engine that is killed at ${name} leaves nothing lost, doubled, behind or touched`;
  cell({ block: 'A', fault: 'SIGKILL', title }, async t => {
    const scenario = scenarioFor(state);
    const { here, network, env, failing } = stage(t, scenario.docker);
    t.teardown(() => endProcessesOf(here));
    const file = here.write(specOf(scenario, network));
    lend(t, scenario, here);
    const cancel = scenario.cancelled ? { AGENT_FLOW_CANCEL_WHEN: `${here.workspace}/up` } : {};
    const killed = await here.start(['run', file, '--json'], {
      env: failing({ AGENT_FLOW_FAILPOINT: name, ...cancel }),
      detached: true,
    });
    t.is(killed.signal, 'SIGKILL', `never came to ${name}: ${killed.stderr}`);

    const isOver = name === 'run.ended:after';
    const { exitCode, stderr } = await here.agentFlow(['resume', '--json'], { env });
    t.is(exitCode, isOver || !scenario.cancelled ? 0 : 1, stderr);
    const fate: Fate = {
      status: scenario.cancelled ? 'cancelled' : 'succeeded',
      exitCode: scenario.cancelled ? null : 0,
      starts: { exactly: scenario.starts },
    };
    nothingLost(t, here, { worker: fate });
    nothingDoubled(t, here, { worker: fate });
    await nothingLeft(t, here, { deadLock: isOver });
    await foreign.isUntouched(t);
  });
}
