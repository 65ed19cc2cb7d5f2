import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { createArgs } from '../../src/agent-container/create-args.ts';
import type { AgentPlan } from '../../src/spec/plan.ts';
import { waitLimit } from '../limits.ts';
import { defaultPlan } from '../unit/_helpers/default-plan.ts';

const defaults: AgentPlan = {
  ...defaultPlan,
  name: 'cell',
  network: { mode: 'none' },
  memory: 256 * 2 ** 20,
  cpus: 1,
};

export interface Cell {
  readonly workspace: string;
  readonly plan?: Partial<AgentPlan>;
  /** Opens the cell: removes guards from the command, and adds flags that a user could not. */
  readonly without?: (flag: string) => boolean;
  readonly open?: readonly string[];
  /** The environment of a docker client of its engine. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The `docker run` command of a container that is confined like the product's agents, with the flags of a run but with
 * a shell in place of `agent-init`.
 */
function cell(name: string, { workspace, plan = {}, without, open = [] }: Cell): string[] {
  const identity = { instance: 'test', runId: 'rescape00', attempt: 1, specHash: 'x', nonce: 'n' };
  const flags = createArgs(
    { ...defaults, workspace: { mode: 'bind', path: workspace }, ...plan },
    identity,
    'tmux-agents-base:latest',
    { limits: { cpus: 2 }, createdAt: '2026-01-01T00:00:00.000Z' },
  );
  const own = flags
    .slice(1, -2)
    .filter(flag => !/^--(name|entrypoint|label|workdir)=/.test(flag) && !(without?.(flag) ?? false));
  return [
    'run',
    '--rm',
    `--name=${name}`,
    ...own,
    ...open,
    '--entrypoint=sh',
    '--',
    'tmux-agents-base:latest',
  ];
}

/** Run a script in such a container, which is removed before this resolves or else with the test. */
export async function inCell(t: ExecutionContext, script: string, options: Cell) {
  const name = `agent-flow-cell-${randomBytes(6).toString('hex')}`;
  const { env = {} } = options;
  t.teardown(() => execa('docker', ['rm', '--force', name], { env, reject: false, timeout: 60_000 }));
  const { exitCode, stdout, stderr } = await execa('docker', [...cell(name, options), '-c', script], {
    ...{ env, reject: false, stdin: 'ignore' },
    timeout: waitLimit,
    maxBuffer: 64 * 2 ** 20,
  });
  return { exitCode: exitCode ?? -1, stdout, stderr, name };
}
