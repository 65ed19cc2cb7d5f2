import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { eventually, isRunning, type Place, place, small } from '../engine/flow.ts';
import { type DockerFault, faultyDocker, type Mode, stillHanging, wereInjected } from './docker-shim.ts';

/** The docker calls of a run, by the words they begin with, and the conditions under which each of them occurs. */
interface Verb {
  readonly words: string;
  /** More fields of the spec's only agent. */
  readonly agent?: object;
  /** Other faults that lead to the call. */
  readonly before?: readonly DockerFault[];
  /** The call belongs to a cancelled run. */
  readonly cancelled?: true;
}

const unable = (words: string): DockerFault => ({
  words,
  verb: words,
  mode: 'does nothing and prints nothing',
});
const stubborn = "trap '' INT TERM; while :; do sleep 0.2; done";
const escalation = {
  agent: { command: ['sh', '-c', `echo start >> starts; ${stubborn}`] },
  cancelled: true,
} as const;

export const verbs = {
  info: { words: 'info' },
  'image inspect': { words: 'image inspect' },
  build: { words: 'build', agent: { build: { context: 'image' } } },
  'network ls': { words: 'network ls' },
  'network create': { words: 'network create' },
  // A run that begins lists nothing; one whose engine was unreachable reconciles its agents.
  'ps of a reconciliation': {
    words: "ps --all --no-trunc --format='*'",
    before: [{ words: 'start', verb: 'start', mode: 'fails before doing it' }],
  },
  'container inspect': {
    words: 'container inspect',
    before: [{ words: 'start', verb: 'start', mode: 'does it, then fails' }],
  },
  create: { words: 'create' },
  start: { words: 'start' },
  'exec agent-inject': { words: "exec '*' agent-inject" },
  events: { words: 'events' },
  logs: { words: 'logs' },
  rm: { words: 'rm' },
  // Without a network of its own, a run knows that nothing is left.
  'ps at the end': { words: "ps --all --no-trunc --filter='*'", agent: { network: 'isolated' } },
  'exec tmux send-keys': { words: "exec '*' tmux send-keys", ...escalation },
  'kill with TERM': {
    words: 'kill --signal=TERM',
    ...escalation,
    before: [unable("exec '*' tmux send-keys")],
  },
  stop: {
    words: 'stop',
    ...escalation,
    before: [unable("exec '*' tmux send-keys"), unable('kill --signal=TERM')],
  },
  kill: {
    words: 'kill',
    ...escalation,
    before: [unable("exec '*' tmux send-keys"), unable('kill --signal=TERM'), unable('stop')],
  },
} as const satisfies Readonly<Record<string, Verb>>;
export type VerbName = keyof typeof verbs;

/** Calls that only read: for them, doing it without output equals doing nothing without output. */
const reading: readonly VerbName[] = [
  'info',
  'image inspect',
  'network ls',
  'ps of a reconciliation',
  'container inspect',
  'events',
  'logs',
  'ps at the end',
];
export const isDistinct = (verb: VerbName, mode: Mode) =>
  mode !== 'does it and prints nothing' || !reading.includes(verb);

/** A different outcome that is acceptable: it is reported clearly, and nothing is left behind. */
interface Refusal {
  readonly exitCode: number;
  readonly message: RegExp;
}

const refused: Partial<Record<VerbName, (mode: Mode) => Refusal | null>> = {
  // Before the first reply of an engine nothing is retried: the error is reported at once.
  info: mode =>
    mode === 'is slow'
      ? null
      : {
          exitCode: 3,
          message: /^agent-flow: (could not reach the Docker engine|the Docker engine did not respond)/m,
        },
  // The spec limits the time of a build; one that hangs exceeds it.
  build: mode =>
    mode.startsWith('hangs')
      ? { exitCode: 4, message: /the build ran past its limit, "timeouts.build"/ }
      : null,
};

/** Run one agent while docker fails once, and check everything that is left. */
export async function cell(t: ExecutionContext, name: VerbName, mode: Mode): Promise<void> {
  const { words, agent = {}, before = [], cancelled }: Verb = verbs[name];
  const here = place(t);
  const network = `af-test-${here.path.slice(-6).toLowerCase()}`;
  t.teardown(() => execa('docker', ['network', 'rm', network], { reject: false }));
  t.teardown(() => removeImages(network));
  writeImage(here, network);
  const bound = boundOf(name);
  const faults = [...before, { words, verb: words, mode }];
  const env = faultyDocker(here, faults);
  const worker = {
    command: ['sh', '-c', 'echo start >> starts'],
    workspace: 'workspace',
    network: { name: network },
    timeouts: { ready: '5s', build: '20s' },
    ...small,
    ...agent,
  };
  const engine = here.start(['run', here.write({ agents: { worker } }), '--json'], { env, timeout: bound });
  if (cancelled) {
    await eventually(isRunning(here, 'worker'), 'a running agent');
    await eventually(() => started(here) === 1, 'the start of the agent');
    engine.kill('SIGINT');
  }
  const { exitCode, stdout, stderr, timedOut } = await engine;
  const output = `${stdout}\n${stderr}`;
  t.false(timedOut, `still running after ${bound} ms: ${output}`);
  t.true(wereInjected(here, faults), `docker was never called with ${name}: ${output}`);

  const refusal = refused[name]?.(mode) ?? null;
  if (refusal) {
    t.is(exitCode, refusal.exitCode, output);
    t.regex(output, refusal.message);
    t.is(started(here), 0);
  } else {
    const result = JSON.parse(String(stdout)).agents.worker;
    t.is(exitCode, cancelled ? 130 : 0, output);
    t.is(result.status, cancelled ? 'cancelled' : 'succeeded', output);
    t.is(result.attempts.length, 1);
    t.is(started(here), 1, output);
    t.true(existsSync(result.transcript), output);
  }
  t.notRegex(output, /\b(undefined|NaN|TypeError|SyntaxError|in JSON|Unexpected token)\b/);

  // The request of a dead client may complete late.
  await pause(2_000);
  t.deepEqual(await here.containers(), [], output);
  t.deepEqual(stillHanging(here), [], 'docker clients are still running');
  t.true((await networks(network)).length <= 1);
}

/** Longer than the timeout of each call; the one of a transcript is by far the longest. */
const boundOf = (name: VerbName) => (name === 'logs' ? 900_000 : 300_000);

const started = (here: Place) => {
  const file = join(here.workspace, 'starts');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
};

const networks = async (name: string) =>
  (await execa('docker', ['network', 'ls', '-q', `--filter=name=^${name}$`])).stdout
    .split('\n')
    .filter(Boolean);

async function removeImages(mark: string): Promise<void> {
  const { stdout } = await execa('docker', ['images', '-q', `--filter=label=agent-flow-test=${mark}`]);
  const ids = [...new Set(stdout.split('\n').filter(Boolean))];
  if (ids.length > 0) await execa('docker', ['rmi', '--force', ...ids], { reject: false });
}

/** The context of `build`: an image of this place alone. */
function writeImage(here: Place, mark: string): void {
  const folder = join(here.path, 'image');
  mkdirSync(folder);
  writeFileSync(join(folder, 'Dockerfile'), `FROM tmux-agents-base:latest\nLABEL agent-flow-test=${mark}\n`);
}
