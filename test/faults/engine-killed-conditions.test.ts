import test from 'ava';
import { canary } from './canary.ts';
import {
  conditionsOnce,
  type ExpectedOutcome,
  endProcessesOf,
  nothingDoubled,
  nothingLeft,
  nothingLost,
} from './oracles.ts';
import { counted, stage } from './scenarios.ts';
import { cell, isWhole } from './tally.ts';

const foreign = await canary();
test.after.always(() => foreign.remove());

const ran = (name: string): ExpectedOutcome => ({
  status: 'succeeded',
  exitCode: 0,
  starts: { exactly: 1 },
  counter: `starts-${name}`,
});
const skipped = (name: string, kind: 'when' | 'dependency'): ExpectedOutcome => ({
  status: 'skipped',
  exitCode: null,
  kind,
  starts: { exactly: 0 },
  counter: `starts-${name}`,
});
const expected: Readonly<Record<string, ExpectedOutcome>> = {
  work: { ...ran('work'), status: 'failed', exitCode: 7, kind: 'exit' },
  rescue: ran('rescue'),
  chosen: ran('chosen'),
  report: ran('report'),
  unwanted: skipped('unwanted', 'when'),
  unneeded: skipped('unneeded', 'dependency'),
};

const moments = [
  'agent.condition:before',
  'agent.condition:after',
  'agent.ended:before',
  'agent.ended:after',
];

for (const name of isWhole ? moments : moments.slice(0, 2)) {
  const title = `a supervisor that is killed at ${name} starts the agents whose conditions hold, and no other`;
  cell({ block: 'A', fault: 'SIGKILL, conditional agents', title }, async t => {
    const { here, network, env, failing } = stage(t);
    t.teardown(() => endProcessesOf(here));
    const agent = (own: string, more: object = {}, end = 'true') => ({
      ...counted(end, `starts-${own}`),
      ...{ network: { name: network }, ...more },
    });
    const file = here.write({
      agents: {
        work: agent('work', {}, 'exit 7'),
        rescue: agent('rescue', { dependsOn: [{ agent: 'work', on: 'failed' }] }),
        chosen: agent('chosen', { when: 'agents.work.exitCode == 7' }),
        unwanted: agent('unwanted', { when: 'agents.work.status == "succeeded"' }),
        unneeded: agent('unneeded', { dependsOn: [{ agent: 'rescue', on: 'failed' }] }),
        report: agent('report', { dependsOn: [{ agent: 'unwanted', on: 'ended' }] }),
      },
    });
    const killed = await here.start(['run', file, '--json'], {
      env: failing({ AGENT_FLOW_FAILPOINT: name }),
      detached: true,
    });
    t.is(killed.signal, 'SIGKILL', `never reached ${name}: ${killed.stderr}`);

    const { exitCode, stderr } = await here.agentFlow(['resume', '--json'], { env });
    t.is(exitCode, 1, stderr);
    nothingLost(t, here, expected);
    nothingDoubled(t, here, expected);
    conditionsOnce(t, here, ['chosen', 'unwanted']);
    await nothingLeft(t, here);
    await foreign.isUntouched(t);
  });
}
