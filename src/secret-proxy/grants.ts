/** A secret that requests of an agent to some hosts are given. */
export interface Grant {
  /** The text that the agent has in its place. */
  readonly placeholder: string;
  readonly value: string;
  /** The header and its content, in which `$` stands for the value: `Authorization: Bearer $`. */
  readonly header: string;
  /** With their ports: `api.example.com:443`. */
  readonly hosts: readonly string[];
}

/** The message that agent-flow sends to the proxy on standard input. It is never on a disk, or on a command line. */
export interface GrantMessage {
  readonly agent: string;
  readonly grants: readonly Grant[];
  /** Certificates of further authorities that may sign those of the hosts, as PEM; empty for none. */
  readonly authorities: string;
}

/** The secrets of each agent, in memory only. */
export interface Grants {
  set(message: GrantMessage): void;
  /** Return the secrets of an agent for a host, such as `api.example.com:443`. */
  find(agent: string, host: string): readonly Grant[];
  /** Return the further authorities for an agent's requests. */
  authorities(agent: string): string;
}

export function grantsInMemory(): Grants {
  const messages = new Map<string, GrantMessage>();
  return {
    set: message => void messages.set(message.agent, message),
    find: (agent, host) => messages.get(agent)?.grants.filter(({ hosts }) => hosts.includes(host)) ?? [],
    authorities: agent => messages.get(agent)?.authorities ?? '',
  };
}
