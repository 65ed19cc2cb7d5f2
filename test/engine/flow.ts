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

const root = join(import.meta.dirname, '..', '..');

/** The real command: what scripts/test has built of it, which starts in half the time; by itself its source. */
export const bin = process.env.AGENT_FLOW_BIN || join(root, 'src', 'bin.ts');

/**
 * A place of its own for one test: a folder with a spec, a workspace and a state directory. When the test is over,
 * passed or not, the containers and the runs' networks that carry its instance id go, and the folder.
 */
export interface Place {
  readonly path: string;
  readonly workspace: string;
  readonly stateDir: string;
  readonly env: NodeJS.ProcessEnv;
  write(spec: unknown): string;
  /** Starts the real command; not awaited. */
  start(args: readonly string[], options?: Options): ResultPromise;
  /** Runs the real command to its end. */
  agentFlow(args: readonly string[], options?: Options): Promise<Answer>;
  /** Writes the spec and runs it with --json. */
  run(spec: unknown, args?: readonly string[], options?: Options): Promise<Answer>;
  /** Of the one run; empty while there is none. */
  journal(): RunEvent[];
  runId(): string | null;
  transcript(agent: string, attempt?: number): string;
  /** Ids of the containers of this place's runs. */
  containers(filters?: readonly string[]): Promise<string[]>;
  /** Ids of the networks that were made for this place's runs. */
  networks(): Promise<string[]>;
  /** The docker calls that a shim first on PATH has counted. */
  shimmed(): string[];
}

export interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly json: any;
}

/** `more` of an environment, such as a DOCKER_HOST: everything that asks Docker about this place asks that engine. */
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
      // A run that is told to end has its own patience.
      forceKillAfterDelay: false,
      timeout: 600_000,
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
      // What stands behind the last line break is being written.
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

/** The one run of a state directory. */
function onlyRun(stateDir: string): string | null {
  const runs = join(stateDir, 'runs');
  return (existsSync(runs) ? readdirSync(runs)[0] : null) ?? null;
}

/**
 * A `docker` that is the real one but for a few calls: `answers` gives lines of shell by the words that a call begins
 * with, in which `$real` is the real command. They are run in the folder of the place.
 */
export function fakeDocker(here: Place, answers: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const folder = join(here.path, 'fake');
  mkdirSync(folder);
  const cases = Object.entries(answers).map(([words, answer]) => `'${words} '*) ${answer} ;;`);
  const script = `#!/bin/sh\ncd '${here.path}'\nreal='${realDocker}'\ncase "$* " in\n${cases.join('\n')}\nesac\nexec "$real" "$@"\n`;
  writeFileSync(join(folder, 'docker'), script, { mode: 0o755 });
  return { ...here.env, PATH: `${folder}:${here.env.PATH}` };
}

const realDocker = (process.env.PATH ?? '')
  .split(':')
  .map(entry => join(entry, 'docker'))
  .find(existsSync);

/** A `docker` that notes the verb it was called with, and then is the real one. */
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

/** Whether the engine at DOCKER_HOST is Podman, which does a few things in another way. */
export const isPodman = async () =>
  (await execa('docker', ['info', '--format={{json .Plugins.Log}}'], { timeout: 60_000 })).stdout.includes(
    'k8s-file',
  );

/** Small limits, so that many fit on a small machine. */
export const small = { memory: '128m', cpus: 1 } as const;

/** Whether this agent has come to run: a look for `eventually`. */
export const isRunning = (here: Place, name: string) => () =>
  here
    .journal()
    .some(event => event.type === 'agent.state' && event.agent === name && event.state.startsWith('running'));

/** Looks again and again until it finds something; throws after five minutes. */
export async function eventually<T>(look: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  const until = Date.now() + 300_000;
  while (Date.now() < until) {
    const found = await look();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error(`waited in vain for ${what}`);
}

/** An agent whose each start appends a line outside the container: how often it was really started is counted there. */
export const countedWorker = (more: string, options: object = {}) => ({
  command: ['sh', '-c', `echo start >> starts; ${more}`],
  workspace: 'workspace',
  ...small,
  ...options,
});

/** How often the counted workers of a place were really started. */
export const starts = (here: Place): number =>
  readFileSync(join(here.workspace, 'starts'), 'utf8').trim().split('\n').length;

/** Starts a run and kills its engine as soon as `when` holds. Returns the id of the run. */
export async function killed(
  here: Place,
  spec: unknown,
  when: () => unknown,
  options?: Options,
): Promise<string> {
  const engine = here.start(['run', here.write(spec)], options);
  await eventually(when as () => boolean, 'the moment to kill the engine');
  engine.kill('SIGKILL');
  await engine;
  return here.runId()!;
}
