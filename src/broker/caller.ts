import { Resolver } from 'node:dns/promises';

/** Return the names of the container at an address. */
export type LookUpCaller = (address: string) => Promise<readonly string[]>;

/**
 * Look up the container at an address by the name server of its network. Nothing is cached, since an address is given to
 * another container as soon as its last one is gone.
 */
export function callerLookup(): LookUpCaller {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  return async address => {
    try {
      return await resolver.reverse(address.replace(/^::ffff:/, ''));
    } catch {
      return [];
    }
  };
}

/** Return the attempt whose container has one of these names, as `container-of-the-agent-2.network`; null for none. */
export function attemptOf(names: readonly string[], container: string): number | null {
  for (const name of names) {
    const [host = ''] = name.split('.');
    const number = host.startsWith(container) ? host.slice(container.length) : '';
    if (/^[1-9]\d{0,5}$/.test(number)) return Number(number);
  }
  return null;
}
