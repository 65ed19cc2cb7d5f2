import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { eventually, isRunning, place, small } from './flow.ts';

const spec = (command: string) => ({
  agents: { worker: { command: ['sh', '-c', command], workspace: 'workspace', ...small } },
});

test('run -d prints the run id and exits, and the run continues to its end', async t => {
  const here = place(t);
  const file = here.write(spec('until [ -e go ]; do sleep 0.1; done; echo went'));
  const started = await here.agentFlow(['run', file, '-d']);
  t.is(started.exitCode, 0, started.stderr);
  t.is(started.stdout, `${here.runId()}`);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  const [row] = (await here.agentFlow(['ps', '--json'])).json;
  t.is(row.agent, 'worker');

  await here.agentFlow(['stop']);
  const log = readFileSync(join(here.stateDir, 'runs', started.stdout, 'engine.log'), 'utf8');
  t.regex(log, /worker {2}running/);
  await eventually(() => here.journal().some(event => event.type === 'run.ended'), 'the end of the run');
  t.deepEqual(await here.containers(), []);
  t.deepEqual(readdirSync(here.stateDir).sort(), ['instance', 'runs']);
});

test('run -d --json of a spec from stdin prints the id as JSON, and the result is kept', async t => {
  const here = place(t);
  const input = JSON.stringify(spec('exit 7'));
  const { json } = await here.agentFlow(['run', '-', '--detach', '--json'], { stdin: 'pipe', input });
  t.deepEqual(json, { runId: here.runId() });
  const result = join(here.stateDir, 'runs', json.runId, 'result.json');
  const found = await eventually(() => {
    try {
      return JSON.parse(readFileSync(result, 'utf8'));
    } catch {
      return null;
    }
  }, 'the result');
  t.is(found.agents.worker.exitCode, 7);
});

test('run -d reports why a run cannot start and exits with its exit code', async t => {
  const here = place(t);
  const file = here.write(spec('true'));
  const env = { ...here.env, DOCKER_HOST: `unix://${here.path}/none.sock` };
  const { exitCode, stderr, stdout } = await here.agentFlow(['run', file, '-d'], { env });
  t.is(exitCode, 3);
  t.is(stdout, '');
  t.regex(stderr, /^agent-flow: could not reach the Docker engine/);
  t.deepEqual(readdirSync(here.stateDir).sort(), ['instance', 'runs']);
  t.is((await here.agentFlow(['run', file, '-d', '--plan'])).exitCode, 2);
});
