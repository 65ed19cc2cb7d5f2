import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { Place } from '../engine/flow.ts';
import { canary } from './canary.ts';
import { type ExpectedOutcome, endProcessesOf, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { nameOf, positions } from './positions.ts';
import { counted, isOnPath, stage } from './scenarios.ts';
import { cell, isWhole } from './tally.ts';

const foreign = await canary();
test.after.always(() => foreign.remove());

const items = ['one', 'two'];
const writes = (json: string) => `printf '%s' '${json}' >"$AGENT_OUTPUT_FILE"`;
const list = { type: 'object', properties: { items: { type: 'array' } }, required: ['items'] };

/** A list, an agent with a check for each of its items, an approval of their work, and an agent that reads all outputs. */
const flow = (network: string) => {
  const agent = (starts: string, more: object, script = 'true') => ({
    ...counted(script, starts),
    ...{ network: { name: network }, ...more },
  });
  return {
    concurrency: 2,
    agents: {
      plan: agent('starts-plan', { output: { schema: list } }, writes(JSON.stringify({ items }))),
      fix: agent(
        'starts-fix-${index}',
        {
          ...{ forEach: '${agents.plan.output.items}', output: { schema: {} }, env: { INDEX: '${index}' } },
          check: { command: ['sh', '-c', '[ "$(wc -l <"starts-fix-$INDEX")" -gt 1 ]'], rounds: 2 },
        },
        writes('{"item":"${item}"}'),
      ),
      gate: { approve: { prompt: 'Go on?', timeout: '2s', default: 'approve' }, dependsOn: ['fix'] },
      last: agent(
        'starts-last',
        { env: { READ: '${agents.fix.output}' }, dependsOn: ['gate'] },
        'printf "%s" "$READ" >read',
      ),
    },
  };
};

const ran = (name: string, starts: number): ExpectedOutcome => ({
  ...{ status: 'succeeded', exitCode: 0, kind: null },
  ...{ starts: { exactly: starts }, counter: `starts-${name}` },
});
const expected = {
  plan: ran('plan', 1),
  'fix-1': ran('fix-1', 2),
  'fix-2': ran('fix-2', 2),
  last: ran('last', 1),
};

const around = (agent: string, ...events: string[]) =>
  events.flatMap(event => [`${agent}@${event}:before`, `${agent}@${event}:after`]);
const moments = [
  ...positions.filter(({ state }) => isOnPath(state)).map(position => `fix-2@${nameOf(position)}`),
  ...around('plan', 'agent.output', 'agent.ended'),
  ...around('fix', 'agent.expanded', 'agent.ended'),
  ...around('fix-1', 'agent.inputs', 'agent.output', 'attempt.ended', 'check.ended', 'agent.ended'),
  ...around('fix-2', 'agent.inputs', 'agent.output', 'attempt.ended', 'check.ended', 'agent.ended'),
  ...around('gate', 'approval.requested', 'approval.decided', 'agent.ended'),
  ...around('last', 'agent.inputs', 'agent.ended'),
];
const representative = [
  'fix@agent.expanded:after',
  'fix-2@checking:flight',
  'gate@approval.requested:after',
  'last@agent.inputs:before',
];

for (const name of isWhole ? moments : representative) {
  const title = `a supervisor that is killed at ${name} has the same agents, rounds and approval`;
  cell({ block: 'A', fault: 'SIGKILL, a flow of lists, checks and approvals', title }, async t => {
    const { here, network, env, failing } = stage(t);
    t.teardown(() => endProcessesOf(here));
    const killed = await here.start(['run', here.write(flow(network)), '--json'], {
      env: failing({ AGENT_FLOW_FAILPOINT: name }),
      detached: true,
    });
    t.is(killed.signal, 'SIGKILL', `never reached ${name}: ${killed.stderr}`);

    const { exitCode, stderr, json } = await here.agentFlow(['resume', '--json'], { env });
    t.is(exitCode, 0, stderr);
    nothingLost(t, here, expected);
    nothingDoubled(t, here, expected);
    decidedOnce(t, here);
    const outputs = items.map(item => ({ item }));
    t.deepEqual(json.agents.fix.output, outputs);
    t.deepEqual(JSON.parse(readFileSync(join(here.workspace, 'read'), 'utf8')), outputs);
    await nothingLeft(t, here);
    await foreign.isUntouched(t);
  });
}

/** Assert that the list was read once, and that there was one approval with one decision. */
function decidedOnce(t: ExecutionContext, here: Place): void {
  for (const type of ['agent.expanded', 'approval.requested', 'approval.decided'])
    t.is(here.journal().filter(event => event.type === type).length, 1, type);
}
