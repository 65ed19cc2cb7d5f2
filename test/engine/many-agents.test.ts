import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fakeDocker, place, small } from './flow.ts';

test('20 agents, 8 at once, need at most 5 docker processes each and 5 beside them, all in the journal', async t => {
  const here = place(t);
  const names = Array.from({ length: 20 }, (_, index) => `agent-${index + 1}`);
  const agents = Object.fromEntries(
    names.map(name => [
      name,
      { command: ['sh', '-c', `echo ${name} >> lines`], workspace: 'workspace', ...small },
    ]),
  );
  const { exitCode, stderr } = await here.run({ agents }, ['--concurrency', '8']);
  t.is(exitCode, 0, stderr);
  t.deepEqual(
    readFileSync(join(here.workspace, 'lines'), 'utf8').trim().split('\n').sort(),
    [...names].sort(),
  );

  const calls = here.journal().flatMap(event => (event.type === 'docker.call' ? [event] : []));
  // A list equal to the last one is not journaled.
  const withoutLists = (verbs: readonly string[]) => verbs.filter(verb => verb !== 'ps').sort();
  t.deepEqual(withoutLists(here.shimmed()), withoutLists(calls.map(({ argv }) => argv[1]!)));
  const failed = new Set(
    here.journal().flatMap(event => (event.type === 'docker.result' && !event.ok ? [event.call] : [])),
  );
  for (const name of names) {
    const ofAgent = calls.filter(({ agent }) => agent === name);
    // An exec fails when its container ends, and the state of the container is inspected once.
    const looks = ofAgent.filter(({ call }) => failed.has(call)).length;
    t.true(ofAgent.length <= 5 + looks, `${name}: ${ofAgent.map(({ argv }) => argv[1])}`);
  }
  // Calls that belong to no agent are made once for all of them. A run that takes minutes also lists its containers, which
  // inspects those that ended since the last list, and the first one on an engine creates the network.
  const ofNone = calls.flatMap(({ agent, argv }) => (agent === null ? argv[1]! : []));
  const lists = here.shimmed().filter(verb => verb === 'ps');
  t.true(ofNone.filter(verb => verb === 'container').length <= lists.length, ofNone.join(' '));
  const isCreated = calls.some(({ argv }) => argv[1] === 'network' && argv[2] === 'create');
  const once = withoutLists(ofNone).filter(verb => verb !== 'container');
  t.deepEqual([...new Set(once)], ['context', 'events', 'image', 'info', 'network']);
  t.true(once.length <= (isCreated ? 7 : 5), once.join(' '));

  let alive = 0;
  let most = 0;
  for (const event of here.journal()) {
    if (event.type === 'agent.state' && event.state === 'reconciling') alive++;
    if (event.type === 'agent.ended') alive--;
    most = Math.max(most, alive);
  }
  t.is(most, 8);
  t.deepEqual(await here.containers(), []);
});

test("200,000 lines of output are in the transcript to the last line, and the exit code is the agent's", async t => {
  const here = place(t);
  const { exitCode, json } = await here.run({
    agents: { worker: { command: ['sh', '-c', 'seq 1 200000; exit 7'], workspace: 'workspace', ...small } },
  });
  t.is(exitCode, 1);
  t.is(json.agents.worker.exitCode, 7);
  const lines = here.transcript('worker').split(/\r?\n/);
  const first = lines.indexOf('1');
  t.deepEqual(
    lines.slice(first, first + 200_000),
    Array.from({ length: 200_000 }, (_, index) => String(index + 1)),
  );
});

test('an image is built once for any number of waiting agents', async t => {
  const here = place(t);
  const built = join(here.path, 'built');
  const env = fakeDocker(here, {
    // The image exists after its build, which takes long enough for all of them to ask for it.
    'image inspect': `[ -e '${built}' ] && exec "$real" "$@"; echo 'Error: No such image' >&2; exit 1`,
    build: `echo build >>'${built}.calls'; sleep 2; touch '${built}'; exit 0`,
  });
  await here.agentFlow(['build']);
  const agents = Object.fromEntries(
    ['a', 'b', 'c', 'd'].map(name => [name, { command: ['true'], workspace: 'workspace', ...small }]),
  );
  const { exitCode, stderr } = await here.run({ agents }, ['--concurrency', '4'], { env });
  t.is(exitCode, 0, stderr);
  t.is(readFileSync(`${built}.calls`, 'utf8'), 'build\n');
});
