import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { createHosts } from './hosts.ts';
import { importPause } from './pause-image.ts';

/** The output of this program: a host of its process, which runs a container until the process is killed. */
export interface HostUntilKilled {
  /** The processes that keep its namespaces. */
  readonly keepers: readonly number[];
  readonly container: string;
}

const { hosts, bridge } = await createHosts(1, mkdtempSync(join(tmpdir(), 'agent-flow-client-')));
const { daemon, env } = hosts[0]!;
await daemon.start({ liveRestore: false });
await importPause(env);
const { stdout: container } = await execa('docker', ['run', '--detach', 'pause'], { env, timeout: 60_000 });
console.log(JSON.stringify({ keepers: [bridge.pid, daemon.init], container } satisfies HostUntilKilled));
