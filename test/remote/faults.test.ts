import test from 'ava';
import { eventually } from '../engine/flow.ts';
import { faultyDocker, type Mode, stillHanging, wereInjected } from '../faults/docker-shim.ts';
import { agent, client } from './client.ts';
import { remoteEngine } from './remote-engine.ts';

const remote = await remoteEngine();
remote.upForTests();

/** The docker calls by which a clone travels, by the words that they begin with. */
const calls = {
  'volume create': 'volume create',
  'volume inspect': 'volume inspect',
  'volume rm': 'volume rm',
  'start of a helper': 'start --attach',
  'cp to the engine': "cp /'*'",
  'cp from the engine': "cp '*':/'*' -",
} as const;
type Call = keyof typeof calls;

/** Without those that wait for the timeout of a call, which is an hour for a repository. */
const modes: readonly Mode[] = [
  'fails before doing it',
  'does it, then fails',
  'is killed, and it completes later',
  'does nothing and prints nothing',
  'does it and prints nothing',
  'prints half of its output',
  'is slow',
];

const representative: readonly (readonly [Call, Mode])[] = [
  ['volume create', 'does it, then fails'],
  ['volume rm', 'is killed, and it completes later'],
  ['start of a helper', 'does it, then fails'],
  ['cp to the engine', 'fails before doing it'],
  ['cp from the engine', 'prints half of its output'],
];
const all = (Object.keys(calls) as Call[]).flatMap(call => modes.map(mode => [call, mode] as const));

for (const [call, mode] of process.env.SAMPLES === 'all' ? all : representative)
  test.serial(`the work comes back although docker ${call} ${mode}`, async t => {
    const { here, git, left } = await client(t, remote);
    const faults = [{ words: calls[call], verb: calls[call], mode }];
    const env = faultyDocker(here, faults);
    const { exitCode, json, stderr } = await here.run({ agents: { a: agent('echo more >file') } }, [], {
      env,
    });
    t.true(wereInjected(here, faults), `docker was never called with ${calls[call]}: ${stderr}`);
    t.is(exitCode, 0, stderr);
    t.is(json.agents.a.attempts.length, 1);
    t.is(json.agents.a.workspace.path, null);
    t.is(await git('show', `agent-flow/${json.runId}/a:file`), 'more');
    t.is(await git('rev-list', '--count', `main..agent-flow/${json.runId}/a`), '1');
    t.deepEqual(stillHanging(here), []);
    // The request of a dead client may complete late.
    await eventually(async () => (await left()).flat().length === 0, `nothing of the run: ${stderr}`);
  });
