import { StepError } from '../../machines/step-error.ts';
import { createOwned, findOwned } from '../agent-container/ensure-owned.ts';
import { dockerError } from '../docker/classify-error.ts';
import { messageOf } from '../docker/messages.ts';
import { lines } from '../docker/parse-output.ts';
import { ownedContainer, type ProxyOptions, removeOurs } from './proxy.ts';
import { helperArgs } from './proxy-args.ts';

/** The rules, by the words that docker/proxy/proxy-check prints for broken ones. */
const rules: Readonly<Record<string, string>> = {
  proxy: 'the proxy does not respond',
  blocked: 'the proxy does not refuse a host that is not on the list',
  direct: 'addresses outside can be reached past the proxy',
  names: 'names outside can be resolved past the proxy',
};

/** For the whole check; its parts have timeouts of their own. */
const checkTimeoutMs = 60_000;

/** Verify the egress rules of a network from inside, before an agent starts there. Rejects if one is broken. */
export async function verifyEgressRules(
  identity: Parameters<typeof helperArgs>[0],
  options: ProxyOptions,
): Promise<void> {
  const { docker, signal } = options;
  const { inside, helper, proxy } = identity.names;
  const checker = ownedContainer(
    helper,
    { owned: identity, args: helperArgs(identity), operation: 'create what checks the network' },
    options,
  );
  const left = await findOwned(checker);
  if (left) await removeOurs(left.id, options);
  const id = await createOwned(checker);
  try {
    const result = await docker(['start', '--attach', id], {
      timeout: checkTimeoutMs,
      signal,
      isMutation: true,
    });
    const words = lines(result.stdout).map(word => word.trim());
    const broken = words.flatMap(word => rules[word] ?? []);
    if (result.ok && broken.length === 0) return;
    if (broken.length === 0) throw dockerError(result, { operation: `check the network ${inside}` });
    // Squid logs why it could not start; its container is removed with the run.
    const log = words.includes('proxy')
      ? await docker(['logs', '--tail=5', proxy], { timeout: 30_000 })
      : null;
    const last = messageOf(log?.printed ?? '');
    const why = last === '' ? '' : ` (${last})`;
    const message = `the network does not enforce "allow": ${broken.join('; ')}${why}. No agent was started on it; docker network inspect ${inside} shows its configuration`;
    throw new StepError('network', message);
  } finally {
    // A container that this fails to remove is removed at the end of the run.
    await docker(['rm', '--force', '--volumes', id], { timeout: 60_000, isMutation: true });
  }
}
