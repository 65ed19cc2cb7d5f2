import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { RunEvent } from '../../src/events.ts';
import { eventually, isRunning, killed } from '../engine/flow.ts';
import { agent, client } from './client.ts';
import { remoteEngine } from './remote-engine.ts';

const remote = await remoteEngine();
remote.upForTests();

const onBox = { placement: { host: 'box' } };

/** A client with an engine of its own, and a docker context `box` for one of another machine. */
async function twoEngines(t: ExecutionContext) {
  const wire = await remote.wire();
  t.teardown(() => wire.restore());
  const config = mkdtempSync(join(process.env.TMPDIR!, 'docker-'));
  await execa('docker', ['context', 'create', 'box', `--docker=host=${wire.host}`], {
    env: { DOCKER_CONFIG: config },
  });
  const made = await client(t, remote, { DOCKER_CONFIG: config });
  const { here, left } = made;
  const running = async () => [await here.containers(), (await left())[1]];
  const events = <T extends RunEvent['type']>(type: T) =>
    here.journal().filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
  return { ...made, wire, running, events };
}

const until = 'until [ -e go ]; do echo tick; sleep 0.2; done';
const go = (docker: (...args: string[]) => Promise<string[]>, id: string) =>
  docker('exec', '--workdir=/workspace', id, 'touch', 'go');

test.serial(
  'agents run on the engines that they name, and one continues the work of another there',
  async t => {
    const { here, git, left, running } = await twoEngines(t);
    const work = (name: string) => `echo ${name} >${name}; git add .; git commit --quiet -m ${name}`;
    const { exitCode, json, stderr } = await here.run({
      agents: {
        here: agent(work('here'), { keep: 'always' }),
        there: agent(`cat here; ${work('there')}`, {
          ...onBox,
          ...{ keep: 'always', dependsOn: ['here'] },
          workspace: { mode: 'clone', path: 'repository', from: 'here' },
        }),
      },
    });
    t.is(exitCode, 0, stderr);
    t.deepEqual([json.agents.here.host, json.agents.there.host], [undefined, 'box']);
    t.is(await git('ls-tree', '--name-only', `agent-flow/${json.runId}/there`), 'README\nhere\nthere');
    const ps = await here.agentFlow(['ps', '--all', '--json']);
    // Beside the agents of this run, --all lists containers of others on a shared engine.
    const agents: { run: string | null; agent: string; host: string | null }[] = ps.json;
    t.deepEqual(
      agents.filter(({ run }) => run === json.runId).map(({ agent, host }) => [agent, host]),
      [
        ['here', null],
        ['there', 'box'],
      ],
    );
    const [own, others] = await running();
    t.deepEqual(own, [json.agents.here.containerId]);
    t.is(others!.length, 1);
    t.true(json.agents.there.containerId.startsWith(others![0]));
    t.regex((await here.agentFlow(['logs', 'there'])).stdout, /here/);
    t.is((await here.agentFlow(['cleanup'])).exitCode, 0);
    t.deepEqual(await running(), [[], []]);
    t.deepEqual(await left(), [[], []]);
  },
);

test.serial('while one engine is silent, the agents on another go on', async t => {
  const { here, docker, left, running, events, wire, start } = await twoEngines(t);
  const run = start([
    'run',
    here.write({
      agents: {
        there: agent(until, onBox),
        here: agent(until),
        next: agent('true', { dependsOn: ['here'] }),
      },
    }),
    '--json',
  ]);
  await eventually(() => isRunning(here, 'there')() && isRunning(here, 'here')(), 'two running agents');
  const [[own], [other]] = (await running()) as [string[], string[]];
  wire.sever();
  await eventually(() => events('engine.unreachable').length > 0, 'an engine that is unreachable');
  t.like(events('engine.unreachable')[0], { host: 'box' });
  await execa('docker', ['exec', '--workdir=/workspace', own!, 'touch', 'go'], { env: here.env });
  await eventually(
    () => events('agent.ended').some(event => event.agent === 'next'),
    'the end of the next agent',
  );
  t.deepEqual(events('engine.reachable'), []);
  await go(docker, other!);
  wire.restore();
  const { exitCode, stdout, stderr } = await run;
  t.is(exitCode, 0, String(stderr));
  const { agents } = JSON.parse(String(stdout));
  t.deepEqual(
    Object.values<{ attempts: unknown[] }>(agents).map(({ attempts }) => attempts.length),
    [1, 1, 1],
  );
  t.like(events('engine.reachable')[0], { host: 'box' });
  t.deepEqual(await running(), [[], []]);
  t.deepEqual(await left(), [[], []]);
});

test.serial('a killed run is resumed on all of its engines, and can be stopped on them', async t => {
  const { here, docker, left, running } = await twoEngines(t);
  const spec = { agents: { there: agent(until, onBox), here: agent(until) } };
  const both = () => isRunning(here, 'there')() && isRunning(here, 'here')();
  await killed(here, spec, both);
  const ids = await running();
  t.deepEqual(
    ids.map(found => found.length),
    [1, 1],
  );
  const resumed = here.start(['resume', '--json']);
  t.teardown(() => void resumed.kill('SIGKILL'));
  await go(docker, ids[1]![0]!);
  await eventually(
    () => here.journal().some(event => event.type === 'agent.ended' && event.agent === 'there'),
    'the end of one agent',
  );
  const stopped = await here.agentFlow(['stop']);
  t.is(stopped.exitCode, 0, stopped.stderr);
  await resumed;
  const result = JSON.parse(readFileSync(join(here.stateDir, 'runs', here.runId()!, 'result.json'), 'utf8'));
  t.is(result.agents.there.status, 'succeeded');
  t.is(result.agents.there.attempts.length, 1);
  t.is(result.agents.here.status, 'cancelled');
  t.deepEqual(await running(), [[], []]);
  t.deepEqual(await left(), [[], []]);
});

test.serial(
  'a run whose other engine is gone can be stopped, and what is there removed when it is back',
  async t => {
    const { here, left, running } = await twoEngines(t);
    const spec = {
      agents: { there: agent(until, { ...onBox, workspace: { mode: 'none' } }), here: agent(until) },
    };
    await killed(here, spec, () => isRunning(here, 'there')() && isRunning(here, 'here')());
    await remote.daemon.end('SIGKILL');
    t.teardown(() => remote.daemon.start({ liveRestore: true }));
    const refused = await here.agentFlow(['stop']);
    t.is(refused.exitCode, 3);
    t.regex(refused.stderr, /host box: .*agent-flow resume --new-engine/s);
    const stopped = await here.agentFlow(['stop', '--new-engine']);
    t.is(stopped.exitCode, 0, stopped.stderr);
    t.deepEqual(await here.containers(), []);
    await remote.daemon.start({ liveRestore: true });
    t.is((await left())[1].length, 1);
    const cleaned = await here.agentFlow(['cleanup', '--context', 'box']);
    t.is(cleaned.exitCode, 0, cleaned.stderr);
    t.deepEqual(await running(), [[], []]);
    t.deepEqual(await left(), [[], []]);
  },
);
