import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { waitLimit } from '../limits.ts';

export const dockerDir = join(import.meta.dirname, '../../docker');
/** The label of every container of these tests, to find what a killed test run left behind. */
export const label = 'agent-flow-test=container';

/** Run a docker command with a timeout. It does not throw for an exit code. */
export const docker = (args: readonly string[], input?: string) =>
  execa('docker', args, {
    reject: false,
    timeout: waitLimit,
    maxBuffer: 200_000_000,
    stripFinalNewline: false,
    env: { LC_ALL: 'C.UTF-8' },
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  });

/** The image under test. Every test process builds it; all but the first use cached layers. */
export const image = (async () => {
  const tag = 'agent-flow-test-base:latest';
  const built = await execa('docker', ['build', '-t', tag, '.'], {
    cwd: dockerDir,
    reject: false,
    timeout: waitLimit,
  });
  if (built.exitCode !== 0) throw new Error(`the image does not build:\n${built.stdout}\n${built.stderr}`);
  return tag;
})();

type Options = {
  /** Used in place of the image under test. */
  readonly of?: string;
  readonly options?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly init?: boolean;
  /** Start it as by hand: no variable makes it wait for an agent. */
  readonly isManual?: boolean;
  readonly command?: readonly string[];
};

/** The end of a container: its exit code, its output, the pane's part of it, and its end record. */
export type End = {
  readonly code: number;
  readonly output: string;
  readonly pane: string;
  readonly record: string;
};

export type Box = {
  readonly id: string;
  exec(command: readonly string[], input?: string): ReturnType<typeof docker>;
  inject(script: string, options?: { attempt?: string; hash?: string }): ReturnType<typeof docker>;
  end(): Promise<End>;
};

/** Start a container of the image under test, which is removed with its test. (Node 22 has no `await using` yet.) */
export async function startBox(
  t: ExecutionContext,
  { of, options = [], env = {}, init = true, isManual = false, command = [] }: Options = {},
): Promise<Box> {
  const ours = isManual ? {} : { AGENT_ATTEMPT: '1', AGENT_NONCE: 'n0nce' };
  const variables = Object.entries({ ...ours, ...env }).flatMap(([k, v]) => ['-e', `${k}=${v}`]);
  const flags = [...(init ? ['--init'] : []), '--label', label, ...variables, ...options];
  const run = await docker(['run', '-d', ...flags, of ?? (await image), ...command]);
  const id = run.stdout.trim();
  if (id !== '') t.teardown(() => docker(['rm', '-f', '-v', id]));
  if (run.exitCode !== 0) throw new Error(run.stderr);
  const exec: Box['exec'] = (command, input) =>
    docker(['exec', ...(input === undefined ? [] : ['-i']), id, ...command], input);
  return {
    id,
    exec,
    inject: (script, { attempt = '1', hash = sha256(script) } = {}) =>
      exec(['agent-inject', attempt, hash, '30'], script),
    end: async () => {
      const code = Number((await docker(['wait', id])).stdout);
      const output = (await docker(['logs', id])).stdout;
      const lines = output.trimEnd().split('\n');
      // The titles that agent-init sets first and agent-run last are not the agent's output.
      const pane = lines
        .slice(0, -1)
        .join('\n')
        .replaceAll(/\x1b\]2;agent-(?:begin-n0nce|end-\d+)\x07/g, '');
      return { code, output, pane: pane.replaceAll('\r\n', '\n'), record: lines.at(-1) ?? '' };
    },
  };
}

/** Run a launch script to its end. An agent may end before the call that started it returns. */
export async function runToEnd(t: ExecutionContext, script: string, options?: Options): Promise<End> {
  const box = await startBox(t, options);
  await box.inject(script);
  return await box.end();
}

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Quote text as a word of a shell script. */
export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Wait until the check succeeds. */
export async function until(check: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + waitLimit;
  while (Date.now() < deadline) {
    if (await check()) return true;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  return false;
}
