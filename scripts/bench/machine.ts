import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** The machine and the programs of a benchmark. */
export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  readonly dockerClient: string;
  readonly dockerEngine: string;
  readonly storage: string;
}

export function describeMachine(): Machine {
  const docker = (...args: string[]) =>
    execFileSync('docker', args, { encoding: 'utf8', timeout: 30_000 }).trim();
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    dockerClient: docker('version', '--format={{.Client.Version}}'),
    dockerEngine: docker('version', '--format={{.Server.Version}}'),
    storage: docker('info', '--format={{.Driver}}'),
  };
}

/** The average number of runnable processes in the last minute. */
export const load = () => Number(loadavg()[0]!.toFixed(2));
