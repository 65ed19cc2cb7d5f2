import { StepError } from '../../machines/step-error.ts';
import { dockerError, matchesMessage } from '../docker/errors.ts';
import { flags, label } from '../docker/labels.ts';
import { listNetworks, type NetworkOptions } from '../docker/networks.ts';

/** Create the bridge network of this name unless it exists, whoever made it. Throws for one of another driver. */
export async function ensureBridgeNetwork(name: string, options: NetworkOptions): Promise<void> {
  const { docker, instance, signal } = options;
  const limits = { timeout: 30_000, ...(signal && { signal }) };
  if (await found(name, options)) return;
  const labels = flags({ [label.mark]: 'true', [label.instance]: instance, [label.role]: 'network' });
  const answer = await docker(['network', 'create', '--driver=bridge', ...labels, '--', name], {
    ...limits,
    changes: true,
  });
  if (!answer.ok && !matchesMessage('networkExists', answer.stderr))
    throw dockerError(answer, { operation: `create the network ${name}` });
  // Before Docker 25 two creates at one instant both succeed, and the name is ambiguous from then on.
  const all = await listNetworks(name, options);
  for (const extra of all.slice(1)) await docker(['network', 'rm', extra.ID], { ...limits, changes: true });
  if (answer.ok && all.length === 0)
    throw new StepError('transient', `the network ${name} does not exist after it was created`);
  if (!answer.ok) await found(name, options);
}

async function found(name: string, options: NetworkOptions): Promise<boolean> {
  const [network] = await listNetworks(name, options);
  if (!network) return false;
  if (network.Driver === 'bridge') return true;
  throw new StepError(
    'network',
    `the network ${name} exists, but its driver is ${network.Driver}, not bridge. Remove or rename it, or name another with "network"`,
  );
}
