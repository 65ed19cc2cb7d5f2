import { StepError } from '../../machines/step-error.ts';
import { ensureOwned } from '../agent-container/ensure-owned.ts';
import { label, labelFlags } from '../docker/labels.ts';
import { type NetworkOptions, namedNetwork } from '../docker/networks.ts';

/** Create the bridge network of this name unless one exists, ours or not. Throws for one of another driver. */
export async function ensureBridgeNetwork(
  name: string,
  options: NetworkOptions & { readonly instance: string },
): Promise<void> {
  const { findAndDeduplicate, create } = namedNetwork(name, options);
  const labels = { [label.mark]: 'true', [label.instance]: options.instance, [label.role]: 'network' };
  await ensureOwned(
    {
      ...{ type: 'network', name, find: findAndDeduplicate },
      create: async () => {
        await create(labelFlags(labels));
        return null;
      },
      refusal: ({ driver }) =>
        driver === 'bridge' ? null : new StepError('network', otherDriver(name, driver)),
    },
    { findFirst: true },
  );
}

const otherDriver = (name: string, driver: string) =>
  `the network ${name} exists, but its driver is ${driver}, not bridge. Remove or rename it, or name another with "network"`;
