import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa, type Options, type ResultPromise } from 'execa';
import type { RunEvent } from '../../src/events.ts';
import { waitLimit } from '../limits.ts';

const root = join(import.meta.dirname, '..', '..');

/** The real command: the bundle that scripts/test has built, which starts in half the time, or else its source. */
export const bin = process.env.AGENT_FLOW_BIN || join(root, 'src', 'bin.ts');

/**
 * Create a place for one test: a folder with a spec, a workspace and a state directory. After the test, passed or not,
 * the containers and run networks that carry its instance id are removed, and so is the folder.
 */
export interface Place {
  readonly path: string;
  readonly workspace: string;
  readonly stateDir: string;
  readonly env: NodeJS.ProcessEnv;
  write(spec: unknown): string;
  /** Starts the real command without waiting for it. */
  start(args: readonly string[], options?: Options): ResultPromise;
  /** Runs the real command to its end. */
  agentFlow(args: readonly string[], options?: Options): Promise<CommandResult>;
  /** Writes the spec and runs it with --json. */
  run(spec: unknown, args?: readonly string[], options?: Options): Promise<CommandResult>;
  /** The events of the only run; empty before it exists. */
  journal(): RunEvent[];
  runId(): string | null;
  transcript(agent: string, attempt?: number): string;
  /** Ids of the containers of this place's runs. */
  containers(filters?: readonly string[]): Promise<string[]>;
  /** Ids of the networks that were made for this place's runs. */
  networks(): Promise<string[]>;
  /** The docker calls that a shim first on PATH has recorded. */
  shimmed(): string[];
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly json: any;
}

/** `more`: variables of the environment, such as a DOCKER_HOST; every docker call for this place uses that engine. */
export function place(t: Pick<ExecutionContext, 'teardown'>, more: NodeJS.ProcessEnv = {}): Place {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-test-'));
  const workspace = join(path, 'workspace');
  const stateDir = join(path, 'state');
  const shimLog = join(path, 'docker-calls');
  mkdirSync(workspace);
  shim(join(path, 'bin'), shimLog);
  const env = {
    ...process.env,
    ...more,
    PATH: `${join(path, 'bin')}:${process.env.PATH}`,
    AGENT_FLOW_STATE_DIR: stateDir,
  };
  const command = (args: readonly string[], options: Options = {}) =>
    execa(process.execPath, [bin, ...args], {
      cwd: path,
      env,
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      // A run has its own grace period after a signal.
      forceKillAfterDelay: false,
      timeout: waitLimit,
      ...options,
    });
  const docker = async (...args: string[]) =>
    (await execa('docker', args, { env: more, timeout: 60_000, reject: false })).stdout
      .split('\n')
      .filter(Boolean);
  const instance = () => readFileSync(join(stateDir, 'instance'), 'utf8').trim();
  const runId = () => onlyRun(stateDir);

  const self: Place = {
    path,
    workspace,
    stateDir,
    env,
    runId,
    write(spec) {
      const file = join(path, 'spec.json');
      writeFileSync(file, typeof spec === 'string' ? spec : JSON.stringify(spec));
      return file;
    },
    start: (args, options) => command(args, options) as unknown as ResultPromise,
    async agentFlow(args, options) {
      const { exitCode, stdout, stderr } = await command(args, options);
      return {
        exitCode: exitCode ?? -1,
        stdout: String(stdout),
        stderr: String(stderr),
        json: parse(String(stdout)),
      };
    },
    run(spec, args = [], options) {
      return self.agentFlow(['run', self.write(spec), '--json', ...args], options);
    },
    journal() {
      const id = runId();
      const file = id === null ? '' : join(stateDir, 'runs', id, 'journal.jsonl');
      // Text after the last line break is still being written.
      const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
      return lines.filter(Boolean).map(line => JSON.parse(line));
    },
    transcript: (agent, attempt = 1) =>
      readFileSync(
        join(stateDir, 'runs', runId() ?? '', 'agents', agent, String(attempt), 'transcript.log'),
        'utf8',
      ),
    containers: async (filters = []) =>
      existsSync(join(stateDir, 'instance'))
        ? docker(
            'ps',
            '-aq',
            '--no-trunc',
            `--filter=label=tmux-agents.instance=${instance()}`,
            ...filters.map(filter => `--filter=${filter}`),
          )
        : [],
    networks: async () =>
      existsSync(join(stateDir, 'instance'))
        ? docker(
            'network',
            'ls',
            '-q',
            '--no-trunc',
            `--filter=label=tmux-agents.instance=${instance()}`,
            '--filter=label=tmux-agents.run-id',
          )
        : [],
    shimmed: () => (existsSync(shimLog) ? readFileSync(shimLog, 'utf8').split('\n').filter(Boolean) : []),
  };
  t.teardown(async () => {
    const left = await self.containers();
    if (left.length > 0) await docker('rm', '--force', '--volumes', ...left);
    const networks = await self.networks();
    if (networks.length > 0) await docker('network', 'rm', ...networks);
    rmSync(path, { recursive: true, force: true });
  });
  return self;
}

/** The only run of a state directory. */
function onlyRun(stateDir: string): string | null {
  const runs = join(stateDir, 'runs');
  return (existsSync(runs) ? readdirSync(runs)[0] : null) ?? null;
}

/**
 * A `docker` that is the real one but for a few calls: `replies` maps the words that a call begins with to lines of
 * shell, in which `$real` is the real command. They run in the folder of the place.
 */
export function fakeDocker(here: Place, replies: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const folder = join(here.path, 'fake');
  mkdirSync(folder);
  const cases = Object.entries(replies).map(([words, reply]) => `'${words} '*) ${reply} ;;`);
  const script = `#!/bin/sh\ncd '${here.path}'\nreal='${realDocker}'\ncase "$* " in\n${cases.join('\n')}\nesac\nexec "$real" "$@"\n`;
  writeFileSync(join(folder, 'docker'), script, { mode: 0o755 });
  return { ...here.env, PATH: `${folder}:${here.env.PATH}` };
}

const realDocker = (process.env.PATH ?? '')
  .split(':')
  .map(entry => join(entry, 'docker'))
  .find(existsSync);

/** A `docker` that records its verb and then runs the real one. */
function shim(folder: string, log: string): void {
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'docker'),
    `#!/bin/sh\nprintf '%s\\n' "$1" >>'${log}'\nexec '${realDocker}' "$@"\n`,
  );
  chmodSync(join(folder, 'docker'), 0o755);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whether the engine at DOCKER_HOST is Podman, which differs in a few details. */
export const isPodman = async () =>
  (await execa('docker', ['info', '--format={{json .Plugins.Log}}'], { timeout: 60_000 })).stdout.includes(
    'k8s-file',
  );

/** Small limits, so that many agents fit on a small machine. */
export const small = { memory: '128m', cpus: 1 } as const;

/** Whether this agent is running: a condition for `eventually`. */
export const isRunning = (here: Place, name: string) => () =>
  here
    .journal()
    .some(event => event.type === 'agent.state' && event.agent === name && event.state.startsWith('running'));

/** Poll until a value is found; throw if it takes too long. */
export async function eventually<T>(look: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  const until = Date.now() + waitLimit;
  while (Date.now() < until) {
    const found = await look();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error(`timed out waiting for ${what}`);
}

/** An agent that appends a line outside its container at each start, so that its real starts are counted. */
export const countedWorker = (more: string, options: object = {}) => ({
  command: ['sh', '-c', `echo start >> starts; ${more}`],
  workspace: 'workspace',
  ...small,
  ...options,
});

/** Count the real starts of a place's counted workers. */
export function starts(here: Place): number {
  const file = join(here.workspace, 'starts');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
}

/**
 * Whether this counted worker is running and its command has begun: a condition for `eventually`. The state alone says
 * that the command was handed over.
 */
export const hasBegun = (here: Place, name: string) => () => isRunning(here, name)() && starts(here) > 0;

/** Start a run of a file, and kill its supervisor as soon as its progress has this text. */
export async function killedAtLine(here: Place, file: string, pattern: RegExp): Promise<void> {
  const run = here.start(['run', file]);
  let seen = '';
  for await (const chunk of run.stderr!) {
    seen += chunk;
    if (pattern.test(seen)) break;
  }
  run.kill('SIGKILL');
  await run.catch(() => {});
}

/** Start a run, kill its supervisor as soon as `when` holds, and return the id of the run. */
export async function killed(
  here: Place,
  spec: unknown,
  when: () => unknown,
  options?: Options,
): Promise<string> {
  const engine = here.start(['run', here.write(spec)], options);
  await eventually(when as () => boolean, 'the moment to kill the supervisor');
  engine.kill('SIGKILL');
  await engine;
  return here.runId()!;
}
