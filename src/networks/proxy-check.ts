import { StepError } from '../../machines/step-error.ts';
import { createOwned, findOwned } from '../agent-container/ensure-owned.ts';
import { lines } from '../docker/containers.ts';
import { dockerError, messageOf } from '../docker/errors.ts';
import { ownedContainer, type ProxyOptions, removeOurs } from './proxy.ts';
import { helperArgs, type ProxyIdentity } from './proxy-args.ts';

/** What the guards are, by the words that docker/proxy/proxy-check says of those that do not hold. */
const guards: Readonly<Record<string, string>> = {
  proxy: 'the proxy does not answer',
  blocked: 'the proxy does not refuse a host that is not on the list',
  direct: 'addresses outside can be reached past the proxy',
  names: 'names of the outside can be looked up past the proxy',
};

/** What the whole check may take, in milliseconds; its parts have limits of their own. */
const patience = 60_000;

/** Tries the guards of a network from an agent's place on it, before there is an agent. Rejects where one does not hold. */
export async function verifyEgressRules(identity: ProxyIdentity, options: ProxyOptions): Promise<void> {
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
    const answer = await docker(['start', '--attach', id], { timeout: patience, signal, changes: true });
    const words = lines(answer.stdout).map(word => word.trim());
    const broken = words.flatMap(word => guards[word] ?? []);
    if (answer.ok && broken.length === 0) return;
    if (broken.length === 0) throw dockerError(answer, { operation: `check the network ${inside}` });
    // Squid says of itself why it could not begin; it goes with its run.
    const log = words.includes('proxy')
      ? await docker(['logs', '--tail=5', proxy], { timeout: 30_000 })
      : null;
    const last = messageOf(log?.printed ?? '');
    const why = last === '' ? '' : ` (${last})`;
    const message = `the network of "allow" does not hold: ${broken.join('; ')}${why}. No agent was started on it; docker network inspect ${inside} shows how it is made`;
    throw new StepError('network', message);
  } finally {
    // What stays where this fails goes when the run ends.
    await docker(['rm', '--force', '--volumes', id], { timeout: 60_000, changes: true });
  }
}
