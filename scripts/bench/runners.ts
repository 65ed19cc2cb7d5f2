import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageFolder } from '../../src/package.ts';
import { bundleCommand } from '../bundle-command.ts';
import { jobArgs } from './peers/job.ts';
import type { Command } from './timing.ts';

export const atOnce = 8;
const image = 'tmux-agents-base:latest';
export const label = `agent-flow-bench=${process.pid}`;

/** A script or program that runs a number of agents. */
export type RunnerName = 'floor' | 'agent-flow' | 'dockerode' | 'testcontainers';

/** Built files, ignored by git, in the package, where they find its dependencies. */
const built = join(packageFolder, '.tested', 'bench');
const peers = ['dockerode', 'testcontainers'] as const;

/** Bundle agent-flow and, if asked for, the peers, as node would otherwise compile their types at each start. */
export async function buildRunners(withPeers: boolean): Promise<void> {
  await bundleCommand(join(built, 'command'));
  if (withPeers)
    await build({
      entryPoints: peers.map(name => join(import.meta.dirname, 'peers', `${name}.ts`)),
      outdir: join(built, 'peers'),
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      target: 'node22',
      logLevel: 'warning',
    });
}

const agentFlow = join(built, 'command', 'agent-flow.js');

/** Return the agent-flow command of a benchmark, as a user runs it, with a state directory of its own. */
export const agentFlowCommand = (folder: string, args: readonly string[]): Command => ({
  argv: [process.execPath, agentFlow, ...args],
  env: { AGENT_FLOW_STATE_DIR: stateDirOf(folder), NODE_COMPILE_CACHE: undefined },
});

export const stateDirOf = (folder: string) => join(folder, 'state');

/** Write a spec of `count` agents that run the same command. Returns its path. */
export function writeSpec(folder: string, count: number, command: string): string {
  mkdirSync(join(folder, 'specs'), { recursive: true });
  const path = join(folder, 'specs', `${count}.json`);
  const agent = { command: ['sh', '-c', command], workspace: { mode: 'none' } };
  const agents = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`agent-${index + 1}`, agent]),
  );
  writeFileSync(path, JSON.stringify({ concurrency: atOnce, agents }));
  return path;
}

/** Return the command of each runner for `count` agents that print a line. */
export function runnerCommands(folder: string, count: number): Readonly<Record<RunnerName, () => Command>> {
  const command = 'echo hello';
  const cpus = Math.min(2, availableParallelism());
  const args = jobArgs({ count, atOnce, image, label, cpus, command });
  const peer = (name: (typeof peers)[number]) => () => ({
    argv: [process.execPath, join(built, 'peers', `${name}.js`), ...args],
    // Its reaper is one more image and container, and nothing is left to reap.
    env: { NODE_COMPILE_CACHE: undefined, TESTCONTAINERS_RYUK_DISABLED: 'true' },
  });
  return {
    floor: () => ({ argv: [join(import.meta.dirname, 'floor.sh'), ...args] }),
    'agent-flow': () => agentFlowCommand(folder, ['run', writeSpec(folder, count, command)]),
    dockerode: peer('dockerode'),
    testcontainers: peer('testcontainers'),
  };
}
