import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { eventually, isRunning, type Place, place, small } from '../engine/flow.ts';
import { type Lie, lyingDocker, type Mode, stillHanging, wereTold } from './docker-shim.ts';

/** The docker calls of a run, by the words they begin with, and what has to be so that each of them comes. */
interface Verb {
  readonly words: string;
  /** More of the spec's one agent. */
  readonly agent?: object;
  /** Other lies that lead to the call. */
  readonly before?: readonly Lie[];
  /** The call belongs to a cancelled run. */
  readonly cancelled?: true;
}

const unable = (words: string): Lie => ({ words, verb: words, mode: 'does nothing and says nothing' });
const stubborn = "trap '' INT TERM; while :; do sleep 0.2; done";
const ladder = {
  agent: { command: ['sh', '-c', `echo start >> starts; ${stubborn}`] },
  cancelled: true,
} as const;

export const verbs = {
  info: { words: 'info' },
  'image inspect': { words: 'image inspect' },
  build: { words: 'build', agent: { build: { context: 'image' } } },
  'network ls': { words: 'network ls' },
  'network create': { words: 'network create' },
  'ps at the start': { words: "ps --all --no-trunc --format='*'" },
  'container inspect': {
    words: 'container inspect',
    before: [{ words: 'start', verb: 'start', mode: 'does it, then fails' }],
  },
  create: { words: 'create' },
  start: { words: 'start' },
  'exec agent-ready': { words: "exec '*' agent-ready" },
  'exec agent-inject': { words: "exec '*' agent-inject" },
  events: { words: 'events' },
  logs: { words: 'logs' },
  rm: { words: 'rm' },
  'ps at the end': { words: "ps --all --no-trunc --filter='*'" },
  'exec tmux send-keys': { words: "exec '*' tmux send-keys", ...ladder },
  'kill with TERM': { words: 'kill --signal=TERM', ...ladder, before: [unable("exec '*' tmux send-keys")] },
  stop: {
    words: 'stop',
    ...ladder,
    before: [unable("exec '*' tmux send-keys"), unable('kill --signal=TERM')],
  },
  kill: {
    words: 'kill',
    ...ladder,
    before: [unable("exec '*' tmux send-keys"), unable('kill --signal=TERM'), unable('stop')],
  },
} as const satisfies Readonly<Record<string, Verb>>;
export type VerbName = keyof typeof verbs;

/** Where nothing is to be done, to do it and say nothing is to do nothing and say nothing. */
const reading: readonly VerbName[] = [
  'info',
  'image inspect',
  'network ls',
  'ps at the start',
  'container inspect',
  'exec agent-ready',
  'events',
  'logs',
  'ps at the end',
];
export const isItself = (verb: VerbName, mode: Mode) =>
  mode !== 'does it and says nothing' || !reading.includes(verb);

/** How a run may come out that is not what it would have been: told clearly, with nothing left behind. */
interface Refusal {
  readonly exitCode: number;
  readonly says: RegExp;
}

const refused: Partial<Record<VerbName, (mode: Mode) => Refusal | null>> = {
  // Where no engine has answered yet, nothing is tried again: the person who waits is told.
  info: mode =>
    mode === 'is slow'
      ? null
      : {
          exitCode: 3,
          says: /^agent-flow: (could not reach the Docker engine|the Docker engine did not respond)/m,
        },
  // The session is asked for within "timeouts.ready"; what hangs past that has used it up.
  'exec agent-ready': mode =>
    mode.startsWith('hangs')
      ? { exitCode: 4, says: /could not reach the tmux session: docker did not respond in time/ }
      : null,
  // How long a build may take is for the person to say; one that hangs takes too long.
  build: mode =>
    mode.startsWith('hangs') ? { exitCode: 4, says: /the build ran past its limit, "timeouts.build"/ } : null,
};

/** Sees one agent through a run in which docker lies once, and looks at everything that it leaves. */
export async function cell(t: ExecutionContext, name: VerbName, mode: Mode): Promise<void> {
  const { words, agent = {}, before = [], cancelled }: Verb = verbs[name];
  const here = place(t);
  const network = `af-test-${here.path.slice(-6).toLowerCase()}`;
  t.teardown(() => execa('docker', ['network', 'rm', network], { reject: false }));
  t.teardown(() => removeImages(network));
  writeImage(here, network);
  const bound = boundOf(name);
  const lies = [...before, { words, verb: words, mode }];
  const env = lyingDocker(here, lies);
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
  const told = `${stdout}\n${stderr}`;
  t.false(timedOut, `it has not ended after ${bound} ms: ${told}`);
  t.true(wereTold(here, lies), `docker was never asked for ${name}: ${told}`);

  const refusal = refused[name]?.(mode) ?? null;
  if (refusal) {
    t.is(exitCode, refusal.exitCode, told);
    t.regex(told, refusal.says);
    t.is(started(here), 0);
  } else {
    const result = JSON.parse(String(stdout)).agents.worker;
    t.is(exitCode, cancelled ? 130 : 0, told);
    t.is(result.status, cancelled ? 'cancelled' : 'succeeded', told);
    t.is(result.attempts.length, 1);
    t.is(started(here), 1, told);
    t.true(existsSync(result.transcript), told);
  }
  t.notRegex(told, /\b(undefined|NaN|TypeError|SyntaxError|in JSON|Unexpected token)\b/);

  // What a dead client has asked for may land late.
  await pause(2_000);
  t.deepEqual(await here.containers(), [], told);
  t.deepEqual(stillHanging(here), [], 'docker clients live on');
  t.true((await networks(network)).length <= 1);
}

/** Longer than the limit that the engine sets each call, a transcript's being by far the longest. */
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

/** What `build` builds: an image of this place alone. */
function writeImage(here: Place, mark: string): void {
  const folder = join(here.path, 'image');
  mkdirSync(folder);
  writeFileSync(join(folder, 'Dockerfile'), `FROM tmux-agents-base:latest\nLABEL agent-flow-test=${mark}\n`);
}
