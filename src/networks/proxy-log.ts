import { containerName } from '../agent-container/names.ts';

/** The maximum number of hosts that are reported for one attempt. */
const maxBlockedHosts = 100;

/**
 * Collect the hosts that the proxy blocked for one attempt, from the lines of its log. Clients send untrusted data (I8): a
 * line or a host of any other form is skipped.
 */
export function blockedHosts(runId: string, agent: string, attempt: number) {
  const hosts = new Set<string>();
  // Docker's name server names a client by its container and then its network.
  const client = `${containerName(runId, agent, attempt)}.`;
  return {
    read(line: string): void {
      const [, from = '', result = '', , host = '', ...more] = line.split(' ');
      if (more.length > 0 || !from.startsWith(client) || result !== 'TCP_DENIED/403') return;
      if (isHostAndPort(host) && hosts.size < maxBlockedHosts) hosts.add(host);
    },
    /** Return them sorted, without duplicates. */
    hosts: () => [...hosts].sort(),
  };
}

const name = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

function isHostAndPort(text: string): boolean {
  const [, host = '', port = ''] = /^(\[[0-9a-f:.]{2,45}\]|[^:]{1,253}):([1-9]\d{0,4})$/.exec(text) ?? [];
  return (host.startsWith('[') || name.test(host)) && Number(port) > 0 && Number(port) <= 65_535;
}
