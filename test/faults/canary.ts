import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';

/** A foreign container that resembles ours. */
export interface Canary {
  readonly id: string;
  /** Fails the test if any byte of its inspected state has changed. */
  isUntouched(t: ExecutionContext): Promise<void>;
  remove(): Promise<void>;
}

/** `runId`: a run whose labels it forges; its name has the prefix of that run's names. */
export function canary(
  runId = `r${randomBytes(4).toString('hex').slice(0, 7)}`,
  name = `tmux-agent-${runId}-workers-${randomBytes(3).toString('hex')}`,
): Promise<Canary> {
  const labels = {
    'tmux-agents': 'true',
    'tmux-agents.instance': randomBytes(8).toString('hex'),
    'tmux-agents.run-id': runId,
    'tmux-agents.agent': 'worker',
    'tmux-agents.attempt': '1',
  };
  return createForeign(`--name=${name}`, ...flags(labels), 'tmux-agents-base:latest');
}

/** Create a container that is not part of a run from these arguments of `docker create`. */
export async function createForeign(...args: readonly string[]): Promise<Canary> {
  const { stdout: id } = await execa('docker', ['create', '--network=none', ...args]);
  const inspect = async () => (await execa('docker', ['inspect', id], { reject: false })).stdout;
  const before = await inspect();
  return {
    id,
    isUntouched: async t => void t.is(await inspect(), before, 'a foreign container is untouched'),
    remove: async () => void (await execa('docker', ['rm', '--force', id], { reject: false })),
  };
}

export const flags = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels).map(([key, value]) => `--label=${key}=${value}`);
