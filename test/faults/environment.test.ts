import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { bin, type Place } from '../engine/flow.ts';
import { canary } from './canary.ts';
import { type ExpectedOutcome, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { type PrivateDaemon, privateDaemon } from './private-daemon.ts';
import { counted, type Stage, stage } from './scenarios.ts';
import { cell, isWhole } from './tally.ts';
import { atWork, begin, letFinish, untilGo } from './trial.ts';

/** Block N: commands for a run from another shell than the one that started it. */

const expected: ExpectedOutcome = { status: 'succeeded', exitCode: 0, starts: { exactly: 1 } };
const cancelled: ExpectedOutcome = { status: 'cancelled', exitCode: null, starts: { exactly: 1 } };

/** A dockerd beside the machine's, for the cells that need one. */
let daemon: PrivateDaemon | null = null;
test.after.always(() => daemon?.remove());
async function anotherEngine(): Promise<PrivateDaemon> {
  daemon ??= await privateDaemon();
  await daemon.start({ liveRestore: true });
  return daemon;
}

interface Shell {
  readonly name: string;
  /** Added to the environment of the start; undefined removes a variable. */
  readonly env?: (here: Place) => NodeJS.ProcessEnv | Promise<NodeJS.ProcessEnv>;
  /** A line of shell before the command. */
  readonly enter?: string;
  /** Part of the representative subset. */
  readonly isRepresentative?: true;
  /** It leads to no engine, which cleanup reports after those of the runs. */
  readonly isNowhere?: true;
}

/** Run the real command from a shell. */
async function from(shell: Shell, { here, env }: Stage, args: readonly string[]) {
  const command = ['-c', `${shell.enter ?? ':'}; exec "$@"`, 'sh', process.execPath, bin, ...args];
  const { exitCode, stdout, stderr } = await execa('sh', command, {
    cwd: here.path,
    env: { ...env, ...(await shell.env?.(here)) },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: 300_000,
  });
  return { exitCode, stdout, details: `${args[0]} from ${shell.name}: ${stderr}` };
}

/** A run whose supervisor was killed while its agent runs. */
async function abandoned(t: ExecutionContext, more: NodeJS.ProcessEnv = {}): Promise<Stage> {
  const scene = stage(t, {}, more);
  const worker = { ...counted(untilGo), network: { name: scene.network } };
  const run = begin(t, scene, { agents: { worker } });
  await atWork(scene.here);
  await run.kill();
  return scene;
}

const assertOutcome = async (t: ExecutionContext, here: Place, worker: ExpectedOutcome) => {
  nothingLost(t, here, { worker });
  nothingDoubled(t, here, { worker });
  await nothingLeft(t, here);
};
const isStillRunning = async (t: ExecutionContext, here: Place, details: string) =>
  t.is((await here.containers(['status=running'])).length, 1, details);

/** A directory of docker settings that has a context of this name. */
async function withContext(here: Place, name: string, host: string): Promise<NodeJS.ProcessEnv> {
  const env = { DOCKER_CONFIG: join(here.path, `docker-${name}`) };
  mkdirSync(env.DOCKER_CONFIG, { recursive: true });
  await execa('docker', ['context', 'create', name, '--docker', `host=${host}`], { env, reject: false });
  return env;
}

const emptyHome = (here: Place) => {
  const HOME = join(here.path, 'home');
  mkdirSync(HOME, { recursive: true });
  return { HOME };
};
const socket = '/var/run/docker.sock';

/** Shells that lead to the same Docker engine as the shell of the start. */
const alike: readonly Shell[] = [
  { name: 'another working directory', enter: 'cd /' },
  {
    name: 'a working directory that was removed',
    enter: 'mkdir gone && cd gone && rmdir ../gone',
    isRepresentative: true,
  },
  { name: 'another HOME', env: emptyHome },
  { name: 'a HOME that does not exist', env: here => ({ HOME: join(here.path, 'nowhere') }) },
  { name: 'no HOME', env: () => ({ HOME: undefined }) },
  { name: 'other settings of docker', env: here => ({ DOCKER_CONFIG: emptyHome(here).HOME }) },
  { name: 'a DOCKER_HOST that names the engine', env: () => ({ DOCKER_HOST: `unix://${socket}` }) },
  {
    name: 'a DOCKER_HOST that names the engine by a link',
    env(here) {
      const link = join(here.path, 'engine.sock');
      symlinkSync(socket, link);
      return { DOCKER_HOST: `unix://${link}` };
    },
  },
  {
    name: 'a context that names the engine',
    env: async here => ({
      ...(await withContext(here, 'ours', `unix://${socket}`)),
      DOCKER_CONTEXT: 'ours',
    }),
  },
];

/** Run each command on an interrupted run, and check its outcome. */
const commands: Readonly<Record<string, (t: ExecutionContext, scene: Stage, shell: Shell) => Promise<void>>> =
  {
    async resume(t, scene, shell) {
      letFinish(scene.here);
      const { exitCode, details } = await from(shell, scene, ['resume', '--json']);
      t.is(exitCode, 0, details);
      await assertOutcome(t, scene.here, expected);
    },
    async stop(t, scene, shell) {
      const { exitCode, details } = await from(shell, scene, ['stop']);
      t.is(exitCode, 0, details);
      nothingDoubled(t, scene.here, { worker: cancelled });
      await nothingLeft(t, scene.here);
    },
    async logs(t, scene, shell) {
      const { exitCode, stdout, details } = await from(shell, scene, ['logs', 'worker']);
      t.is(exitCode, 0, details);
      t.regex(stdout, /line 20/);
      await isStillRunning(t, scene.here, details);
    },
    async cleanup(t, scene, shell) {
      const foreign = await canary(scene.here.runId()!);
      t.teardown(() => foreign.remove());
      const { exitCode, details } = await from(shell, scene, ['cleanup']);
      t.is(exitCode, shell.isNowhere ? 3 : 0, details);
      t.deepEqual(await scene.here.containers(), [], details);
      await foreign.isUntouched(t);
    },
  };

for (const shell of alike.filter(({ isRepresentative }) => isWhole || isRepresentative))
  for (const [command, check] of Object.entries(commands)) {
    const title = `${command} works from ${shell.name}`;
    cell({ block: 'N', fault: 'another shell', title }, async t => check(t, await abandoned(t), once(shell)));
  }

/** Prepare a shell once, although several commands run in it. */
function once(shell: Shell): Shell {
  const { env } = shell;
  if (env === undefined) return shell;
  let made: ReturnType<typeof env> | undefined;
  return {
    ...shell,
    env(here) {
      made ??= env(here);
      return made;
    },
  };
}

/** Shells that lead to no Docker engine or to another one: commands for a run use the engine of the run. */
const elsewhere: readonly Shell[] = [
  {
    name: 'a DOCKER_HOST without an engine',
    env: here => ({ DOCKER_HOST: `unix://${here.path}/none.sock` }),
    isRepresentative: true,
    isNowhere: true,
  },
  {
    name: 'a context that does not exist',
    env: () => ({ DOCKER_CONTEXT: 'agent-flow-no-such-context' }),
    isNowhere: true,
  },
  {
    name: 'a context without an engine',
    env: async here => ({
      ...(await withContext(here, 'nowhere', `unix://${here.path}/none.sock`)),
      DOCKER_CONTEXT: 'nowhere',
    }),
    isNowhere: true,
  },
  { name: 'a DOCKER_HOST of another engine', env: async () => (await anotherEngine()).env },
  {
    name: 'a context of another engine',
    env: async here => ({
      ...(await withContext(here, 'other', (await anotherEngine()).env.DOCKER_HOST!)),
      DOCKER_CONTEXT: 'other',
    }),
  },
];

for (const shell of elsewhere.filter(({ isRepresentative }) => isWhole || isRepresentative))
  for (const [command, check] of Object.entries(commands)) {
    const title = `${command} works from ${shell.name}`;
    cell({ block: 'N', fault: 'another engine', title }, async t =>
      check(t, await abandoned(t), once(shell)),
    );
  }

cell(
  {
    block: 'N',
    fault: 'another engine',
    title: 'a run is left unchanged if another engine is at its address',
  },
  async t => {
    const link = join(mkdtempSync(join(tmpdir(), 'agent-flow-address-')), 'docker.sock');
    t.teardown(() => rmSync(dirname(link), { recursive: true }));
    const lead = (to: string) => {
      rmSync(link, { force: true });
      symlinkSync(to, link);
    };
    lead(socket);
    const scene = await abandoned(t, { DOCKER_HOST: `unix://${link}` });
    lead((await anotherEngine()).env.DOCKER_HOST!.replace('unix://', ''));
    const shell = { name: 'the same shell' };
    for (const args of [['logs', 'worker'], ['resume', '--json'], ['stop'], ['cleanup']]) {
      const { exitCode, details } = await from(shell, scene, args);
      t.is(exitCode, 3, details);
      t.notRegex(details, /\n {4}at /, 'no stack');
      t.regex(details, /is on the Docker engine \S+ at .*the engine at .* is /, details);
    }
    lead(socket);
    await isStillRunning(t, scene.here, 'nothing was done');
    letFinish(scene.here);
    const resumed = await from(shell, scene, ['resume', '--json']);
    t.is(resumed.exitCode, 0, resumed.details);
    await assertOutcome(t, scene.here, expected);
  },
);

/** The shell of the start named an engine, and the next one names none. */
for (const [command, check] of Object.entries(commands).filter(([name]) => isWhole && name !== 'cleanup')) {
  const title = `${command} uses the engine of the start if its shell names none`;
  cell({ block: 'N', fault: 'the engine of the start', title }, async t => {
    const { env, load } = await anotherEngine();
    await load('tmux-agents-base:latest');
    const scene = await abandoned(t, env);
    await check(t, scene, { name: 'a shell that names none', env: () => ({ DOCKER_HOST: undefined }) });
  });
}

cell(
  {
    block: 'N',
    fault: 'another shell',
    title: 'a read-only state directory can be read, and commands that write report it',
  },
  async t => {
    const scene = await abandoned(t);
    const { here } = scene;
    const state = `'${here.stateDir}'`;
    // In a mount namespace of its own, which ends with it.
    const readOnly: Shell = {
      name: 'a read-only state directory',
      enter: `exec unshare --mount sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"' ${state} "$@"`,
    };
    const reads = { ps: ['ps', '--json'], logs: ['logs', 'worker'], cleanup: ['cleanup', '--dry-run'] };
    for (const args of Object.values(reads)) {
      const { exitCode, details } = await from(readOnly, scene, args);
      t.is(exitCode, 0, details);
    }
    for (const args of [['stop'], ['resume'], ['resume', '--all']]) {
      const { exitCode, details } = await from(readOnly, scene, args);
      t.is(exitCode, 3, details);
      t.regex(details, /cannot be read or written: EROFS.*agent-flow resume/);
    }
    await isStillRunning(t, here, 'nothing was done');
    writeFileSync(join(here.workspace, 'go'), '');
    const resumed = await from({ name: 'the same' }, scene, ['resume', '--json']);
    t.is(resumed.exitCode, 0, resumed.details);
    await assertOutcome(t, here, expected);
  },
);
