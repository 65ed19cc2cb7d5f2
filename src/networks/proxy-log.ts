import { containerName } from '../docker/labels.ts';

/** The most hosts that are told of one attempt. */
export const maxBlockedHosts = 100;

/**
 * The hosts that the proxy kept one attempt from, read from its log line by line. What clients send is untrusted: a
 * line or a host that is not exactly of our form is passed over.
 */
export function blockedHosts(runId: string, agent: string, attempt: number) {
  const hosts = new Set<string>();
  // The client's name, as Docker's name server tells it, is that of its container and then of the network.
  const client = `${containerName(runId, agent, attempt)}.`;
  return {
    read(line: string): void {
      const [, from = '', result = '', , host = '', ...more] = line.split(' ');
      if (more.length > 0 || !from.startsWith(client) || result !== 'TCP_DENIED/403') return;
      if (isHostAndPort(host) && hosts.size < maxBlockedHosts) hosts.add(host);
    },
    /** Sorted, each once. */
    hosts: () => [...hosts].sort(),
  };
}

const name = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

function isHostAndPort(text: string): boolean {
  const [, host = '', port = ''] = /^(\[[0-9a-f:.]{2,45}\]|[^:]{1,253}):([1-9]\d{0,4})$/.exec(text) ?? [];
  return (host.startsWith('[') || name.test(host)) && Number(port) > 0 && Number(port) <= 65_535;
}
