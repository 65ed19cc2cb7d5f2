import { randomBytes } from 'node:crypto';
import { proxyPort } from '../agent-container/proxy-env.ts';
import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { isOwned, type RunOwner } from '../docker/labels.ts';
import type { CallScope, Recorder } from '../docker/recorder.ts';
import { followLines } from '../docker/stream.ts';
import { blockedHosts } from './proxy-log.ts';

export interface ReadBlockedOptions extends RunOwner {
  readonly docker: Docker;
  readonly recorder: Recorder;
}

/**
 * Return the hosts that a proxy has blocked for an attempt; after an error, those that were read so far. Squid writes a line
 * after its reply, and Docker takes a while to log it: the log is followed until it has a request that is made here.
 */
export async function readBlocked(
  proxyName: string,
  owner: CallScope,
  { docker, recorder, instance, runId }: ReadBlockedOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const log = blockedHosts(runId, owner.agent, owner.attempt);
  const options = { signal, scope: owner };
  try {
    const [proxy] = await containers(docker).inspect([proxyName], { signal });
    if (!proxy || !isOwned(proxy.labels, { instance, runId })) return [];
    const mark = `${randomBytes(8).toString('hex')}.agent-flow.invalid`;
    const args = ['exec', proxy.id, 'proxy-mark', mark, String(proxyPort)];
    const { ok } = await docker(args, { ...options, timeout: 30_000 });
    const isWhole = new AbortController();
    await followLines(
      recorder,
      ['logs', ...(ok ? ['--follow'] : []), proxy.id],
      line => (line.includes(mark) ? isWhole.abort() : log.read(line)),
      { ...options, signal: AbortSignal.any([signal, isWhole.signal]) },
    );
  } catch {
    // The agent's outcome does not depend on them.
  }
  return log.hosts();
}
