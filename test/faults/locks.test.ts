import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { bin, eventually, isRunning, type Place } from '../engine/flow.ts';
import { canary } from './canary.ts';
import {
  type ExpectedOutcome,
  endProcessesOf,
  nothingDoubled,
  nothingLeft,
  nothingLost,
  processesOf,
} from './oracles.ts';
import { counted, type Stage, stage } from './scenarios.ts';
import { cell, isWhole } from './tally.ts';

const expected: ExpectedOutcome = { status: 'succeeded', exitCode: 0, starts: { exactly: 1 } };

/** A run whose supervisor was killed, and whose agent waits for the file `go`. */
async function abandoned({ here, network, env }: Stage): Promise<string> {
  const worker = { ...counted('until [ -e go ]; do sleep 0.1; done'), network: { name: network } };
  const engine = here.start(['run', here.write({ agents: { worker } })], { env });
  await eventually(isRunning(here, 'worker'), 'a running agent');
  engine.kill('SIGKILL');
  await engine;
  return join(here.stateDir, 'runs', here.runId()!);
}

const locksIn = (folder: string) => readdirSync(folder).filter(name => name.startsWith('lock'));
const letFinish = (here: Place) => writeFileSync(join(here.workspace, 'go'), '');

const rounds = isWhole ? 20 : 4;
const title = `one of two supervisors that resume a run at the same time drives it (${rounds} rounds)`;
cell({ block: 'G', fault: 'two engines', title, runs: rounds }, async t => {
  const here = stage(t);
  const { failing, env } = here;
  t.teardown(() => endProcessesOf(here.here));
  const folder = await abandoned(here);
  const foreign = await canary(here.here.runId()!);
  t.teardown(() => foreign.remove());

  for (let round = 1; round <= rounds; round++) {
    const rendezvous = join(here.here.path, `rendezvous-${round}`);
    mkdirSync(rendezvous);
    const engines = [1, 2].map(() =>
      here.here.start(['resume', '--json'], { env: failing({ AGENT_FLOW_RENDEZVOUS: rendezvous }) }),
    );
    const [refused, winner] = await Promise.race(
      engines.map((engine, index) => engine.then(result => [result, engines[1 - index]!] as const)),
    );
    t.is(readdirSync(rendezvous).length, 2, 'both were about to take the lock');
    t.is(refused.exitCode, 2, `round ${round}: ${refused.stderr}`);
    t.regex(String(refused.stderr), new RegExp(`is already being executed by process ${winner.pid} on `));
    t.true(processesOf(here.here).includes(winner.pid!), `round ${round}: the other drives the run`);
    const [lock, ...others] = locksIn(folder);
    t.deepEqual(others, []);
    t.is(JSON.parse(readFileSync(join(folder, lock!), 'utf8')).pid, winner.pid);
    winner.kill('SIGKILL');
    await winner;
  }

  letFinish(here.here);
  const { exitCode, stderr } = await here.here.agentFlow(['resume', '--json'], { env });
  t.is(exitCode, 0, stderr);
  nothingLost(t, here.here, { worker: expected });
  nothingDoubled(t, here.here, { worker: expected });
  await nothingLeft(t, here.here);
  await foreign.isUntouched(t);
});

/** Holders of a dead lock; this process is alive, and is none of them. */
const dead = {
  'a dead holder': { pid: 2 ** 22 + 1 },
  'a reused pid': { pid: process.pid, started: '1' },
  'another boot': { pid: process.pid, boot: 'another' },
} as const;

for (const [whose, change] of Object.entries(dead))
  cell({ block: 'G', fault: 'dead locks', title: `the lock of ${whose} is ignored` }, async t => {
    const here = stage(t);
    t.teardown(() => endProcessesOf(here.here));
    const folder = await abandoned(here);
    const [left] = locksIn(folder);
    const holder = JSON.parse(readFileSync(join(folder, left!), 'utf8'));
    writeFileSync(join(folder, left!), JSON.stringify({ ...holder, ...change }));
    letFinish(here.here);
    const { exitCode, stderr } = await here.here.agentFlow(['resume', '--json'], { env: here.env });
    t.is(exitCode, 0, stderr);
    nothingLost(t, here.here, { worker: expected });
    nothingDoubled(t, here.here, { worker: expected });
    await nothingLeft(t, here.here);
  });

/** A supervisor in a pid namespace of its own, as in a container. */
const inNamespace = (here: Place, env: NodeJS.ProcessEnv, spec: unknown) =>
  execa(
    'unshare',
    [...'--pid --fork --kill-child --mount-proc'.split(' '), process.execPath, bin, 'run', here.write(spec)],
    { cwd: here.path, env, extendEnv: false, stdin: 'ignore', reject: false },
  );

/** Holders that cannot be checked from here. */
const unseen = {
  'another machine': { host: `not-${hostname()}`, boot: 'another' },
  'another machine of this name': { machine: 'another', boot: 'another' },
  'a container with the name of its host': { namespace: 'pid:[1]' },
} as const;

for (const [whose, change] of Object.entries(unseen))
  cell(
    { block: 'G', fault: 'living locks', title: `the lock of ${whose} is respected, and yields to --force` },
    async t => {
      const here = stage(t);
      t.teardown(() => endProcessesOf(here.here));
      const folder = await abandoned(here);
      const [left] = locksIn(folder);
      const holder = JSON.parse(readFileSync(join(folder, left!), 'utf8'));
      writeFileSync(join(folder, left!), JSON.stringify({ ...holder, ...change }));
      const refused = await here.here.agentFlow(['resume'], { env: here.env });
      t.is(refused.exitCode, 2, refused.stderr);
      t.regex(
        refused.stderr,
        new RegExp(`is already being executed by process ${holder.pid} on .*use --force`),
      );
      t.is((await here.here.containers(['status=running'])).length, 1, 'its agent is still running');
      letFinish(here.here);
      const { exitCode, stderr } = await here.here.agentFlow(['resume', '--force', '--json'], {
        env: here.env,
      });
      t.is(exitCode, 0, stderr);
      nothingLost(t, here.here, { worker: expected });
      nothingDoubled(t, here.here, { worker: expected });
      await nothingLeft(t, here.here);
    },
  );

cell({ block: 'G', fault: 'living locks', title: 'the lock of a renamed host is ignored' }, async t => {
  const here = stage(t);
  t.teardown(() => endProcessesOf(here.here));
  const folder = await abandoned(here);
  const [left] = locksIn(folder);
  const holder = JSON.parse(readFileSync(join(folder, left!), 'utf8'));
  writeFileSync(join(folder, left!), JSON.stringify({ ...holder, host: `not-${hostname()}` }));
  const stopped = await here.here.agentFlow(['stop'], { env: here.env });
  t.is(stopped.exitCode, 0, stopped.stderr);
  await nothingLeft(t, here.here);
});

/** A running run whose supervisor is in another pid namespace. */
async function drivenInNamespace(t: ExecutionContext) {
  const { here, network, env } = stage(t);
  t.teardown(() => endProcessesOf(here));
  const worker = { ...counted('until [ -e go ]; do sleep 0.1; done'), network: { name: network } };
  const inside = inNamespace(here, env, { agents: { worker } });
  await eventually(isRunning(here, 'worker'), 'a running agent');
  return { here, env, inside };
}

cell(
  {
    block: 'G',
    fault: 'living locks',
    title: 'a supervisor in another pid namespace keeps its run, and ends when --force takes it',
  },
  async t => {
    const { here, env, inside } = await drivenInNamespace(t);
    const refused = await here.agentFlow(['resume'], { env });
    t.is(refused.exitCode, 2, refused.stderr);
    t.regex(refused.stderr, /is already being executed by process 1 on .*another pid namespace/);
    const outside = here.start(['resume', '--force', '--json'], { env });
    const { exitCode, stderr } = await inside;
    t.is(exitCode, 3, stderr);
    t.regex(stderr, /was taken over by process \d+ on /);
    letFinish(here);
    const result = await outside;
    t.is(result.exitCode, 0, String(result.stderr));
    nothingLost(t, here, { worker: expected });
    nothingDoubled(t, here, { worker: expected });
    await nothingLeft(t, here);
  },
);

cell(
  {
    block: 'G',
    fault: 'living locks',
    title: 'stop reaches a supervisor in another pid namespace by its request',
  },
  async t => {
    const { here, env, inside } = await drivenInNamespace(t);
    const stopped = await here.agentFlow(['stop'], { env });
    t.is(stopped.exitCode, 0, stopped.stderr);
    t.is((await inside).exitCode, 1);
    await nothingLeft(t, here);
  },
);
