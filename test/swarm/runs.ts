import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { RunEvent } from '../../src/events.ts';
import type { Place } from '../engine/flow.ts';
import type { Host } from './hosts.ts';
import type { SwarmEngines } from './swarm-engines.ts';

export const eventsOf = <T extends RunEvent['type']>(here: Place, type: T) =>
  here.journal().filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);

/** Return the host that an agent was placed on last. */
export function hostOf({ hosts }: SwarmEngines, here: Place, name: string): Host {
  const { host } = eventsOf(here, 'agent.placed').findLast(event => event.agent === name)!;
  return hosts.find(found => found.name === host)!;
}

/** Let an agent go on that waits for the file /tmp/go. */
export async function go(swarm: SwarmEngines, here: Place, name: string): Promise<void> {
  const { env } = hostOf(swarm, here, name);
  const { containerId } = eventsOf(here, 'agent.state').findLast(
    event => event.agent === name && event.containerId !== null,
  )!;
  await execa('docker', ['exec', containerId!, 'touch', '/tmp/go'], { env, timeout: 60_000 });
}

/** Count the starts of an agent, on whichever host, in a folder that all hosts of a test have. */
export function countedStarts(t: ExecutionContext) {
  // The folder for temporary files is hidden from the hosts.
  const folder = mkdtempSync('/var/tmp/agent-flow-starts-');
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return {
    mounts: [{ source: folder, target: '/starts', readOnly: false, onHost: true }],
    /** The beginning of a script, which runs these commands only in the first attempt. */
    first: (commands: string) =>
      `echo start >>/starts/all; if [ "$(wc -l </starts/all)" = 1 ]; then ${commands}; fi`,
    count: () => readFileSync(join(folder, 'all'), 'utf8').split('\n').filter(Boolean).length,
  };
}
