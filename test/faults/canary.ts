import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';

/** A container of somebody else that looks much like one of ours. */
export interface Canary {
  readonly id: string;
  /** Fails the test where a byte of what Docker says of it has changed. */
  isUntouched(t: ExecutionContext): Promise<void>;
  remove(): Promise<void>;
}

/** `runId`: a run whose labels it forges; its name begins as the names of that run do. */
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
  return stranger(`--name=${name}`, ...flags(labels), 'tmux-agents-base:latest');
}

/** The container that `docker create` makes of these arguments. */
export async function stranger(...args: readonly string[]): Promise<Canary> {
  const { stdout: id } = await execa('docker', ['create', '--network=none', ...args]);
  const look = async () => (await execa('docker', ['inspect', id], { reject: false })).stdout;
  const before = await look();
  return {
    id,
    isUntouched: async t => void t.is(await look(), before, 'a foreign container is untouched'),
    remove: async () => void (await execa('docker', ['rm', '--force', id], { reject: false })),
  };
}

export const flags = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels).map(([key, value]) => `--label=${key}=${value}`);
