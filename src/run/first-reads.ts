import { listNetworksArgs } from '../docker/networks.ts';
import { firstImage } from '../images/images.ts';
import { inspectImageArgs } from '../images/inspect.ts';
import type { FlowPlan } from '../spec/plan.ts';

/** Return the calls that the first agent of a run makes before any other, and that read what agents share. */
export function firstReads({ agents }: Pick<FlowPlan, 'agents'>): readonly (readonly string[])[] {
  const first = agents.find(({ dependsOn }) => dependsOn.length === 0);
  if (first === undefined) return [];
  const { image, build, gpus, network } = first;
  return [
    inspectImageArgs(firstImage({ image, build, gpus: gpus !== null })),
    // The run's own networks do not exist yet.
    ...(network.mode === 'bridge' ? [listNetworksArgs(network.name)] : []),
  ];
}
