import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { eventually, place, small } from './flow.ts';
import { image } from './images.ts';

/** A claude that makes `$REQUESTS` requests to its model, each of which costs a dollar. */
const program = `#!/bin/sh
cat >/dev/null
i=0
while [ "$i" -lt "$REQUESTS" ]; do
  i=$((i + 1))
  printf '{"type":"assistant","message":{"id":"m%s","model":"claude-opus-5-5","content":[{"type":"text","text":"request %s"}],"usage":{"input_tokens":250000,"output_tokens":0}}}\\n' "$i" "$i"
  sleep 1
done
`;

const recipe = `
FROM tmux-agents-base:latest
RUN echo ${Buffer.from(program).toString('base64')} | base64 -d >/usr/local/bin/claude && chmod 755 /usr/local/bin/claude
`;

async function desk(t: ExecutionContext) {
  const here = place(t);
  const name = await image(t, recipe);
  const agent = (requests: number, more = {}) => ({
    provider: 'claude',
    prompt: 'x',
    image: name,
    workspace: 'workspace',
    env: { REQUESTS: String(requests) },
    retries: 1,
    ...small,
    memory: '512m',
    ...more,
  });
  return { here, agent, options: { env: { ...here.env, ANTHROPIC_API_KEY: 'dummy-key-7f3qk29d' } } };
}

test('an agent is ended when its cost reaches its budget, and is not tried again', async t => {
  const { here, agent, options } = await desk(t);
  const agents = { over: agent(600, { budget: { usd: 1.5 } }), within: agent(1, { budget: { usd: 1.5 } }) };
  const { exitCode, json, stderr } = await here.run({ agents }, [], options);
  t.is(exitCode, 1, stderr);
  const { over, within } = json.agents;
  t.is(over.error.kind, 'budget', here.transcript('over'));
  t.is(over.error.message, 'Claude Code: over its budget: $2.00 of $1.50 is spent');
  t.is(over.attempts.length, 1);
  t.is(over.usage.costUsd, 2);
  t.deepEqual([within.status, within.usage.costUsd], ['succeeded', 1]);
  t.is(json.cost.usd, 3);
  t.regex(json.cost.pricesDate, /^20\d\d-\d\d-\d\d$/);
  t.regex(stderr, /cost: \$3\.00, by the list prices of 20/);
});

test('the agents of a run share its budget, and none starts when it is spent', async t => {
  const { here, agent, options } = await desk(t);
  // Each of the first two gets half of what it may cost, and spends it.
  const agents = {
    a: agent(600),
    b: agent(600),
    next: agent(1),
    command: { command: ['true'], workspace: 'workspace', ...small },
  };
  const { exitCode, json, stderr } = await here.run(
    { concurrency: 2, agents },
    ['--max-usd', '3.9'],
    options,
  );
  t.is(exitCode, 1, stderr);
  for (const name of ['a', 'b']) {
    t.is(json.agents[name].error.kind, 'budget', here.transcript(name));
    t.regex(json.agents[name].error.message, /its share of the budget of the run \(\$1\.95\) is spent$/);
  }
  t.deepEqual([json.agents.next.error.kind, json.agents.next.error.phase], ['budget', 'building']);
  t.is(json.agents.next.containerId, null);
  t.is(json.agents.command.status, 'succeeded');
  // At most one request of each agent goes beyond its part.
  t.is(json.cost.usd, 4);
  t.is(json.cost.maxUsd, 3.9);
  t.deepEqual(await here.containers(), []);
});

test('a resumed run has spent what its journal records', async t => {
  const { here, agent, options } = await desk(t);
  const second = { dependsOn: ['first'] };
  const spec = {
    budget: { usd: 2 },
    concurrency: 1,
    agents: {
      first: agent(1),
      wait: { command: ['sleep', '600'], workspace: 'workspace', ...small, ...second },
      next: agent(600, { dependsOn: ['wait'] }),
    },
  };
  const run = here.start(['run', here.write(spec), '--json'], options);
  await eventually(
    () =>
      here
        .journal()
        .some(
          event =>
            event.type === 'agent.state' && event.agent === 'wait' && event.state === 'running.working',
        ),
    'the agent after the first one',
  );
  run.kill('SIGKILL');
  await run;
  const [id] = await here.containers();
  const resumed = here.start(['resume', '--json'], options);
  await execa('docker', ['exec', id!, 'agent-done', '0']);
  const { stdout, stderr } = await resumed;
  const { agents, cost } = JSON.parse(String(stdout));
  t.is(agents.next.error.kind, 'budget', String(stderr));
  // $1 of $2 was left.
  t.is(agents.next.usage.costUsd, 1);
  t.is(cost.usd, 2);
});
