import type { StepInput } from '../../machines/agent-types.ts';
import { createArgs } from '../agent-container/create-args.ts';
import { ensureOwned, notOurs } from '../agent-container/ensure-owned.ts';
import { containerName } from '../agent-container/names.ts';
import type { Container } from '../docker/containers.ts';
import { createNamedContainer } from '../docker/create-container.ts';
import { label } from '../docker/labels.ts';
import { type ActorContext, owner } from './context.ts';

type CreatePorts = Pick<
  ActorContext,
  | 'clock'
  | 'docker'
  | 'containers'
  | 'engine'
  | 'plan'
  | 'identity'
  | 'clone'
  | 'cloneVolume'
  | 'protectGit'
  | 'hasOtherFiles'
  | 'seals'
>;

/** Create the container of an attempt, or find the one that an earlier try created: the name is the key. */
export async function createContainer(context: CreatePorts, input: StepInput, signal: AbortSignal) {
  const { clock, docker, engine } = context;
  const plan = context.plan(input.name);
  const identity = context.identity(input.name, input.attempt);
  const createdAt = new Date(clock.now()).toISOString();
  const protectedPaths = await context.protectGit(owner(input));
  const args = createArgs(plan, identity, input.image ?? '', {
    limits: engine,
    createdAt,
    mount: {
      clone: context.clone(input.name, input.attempt),
      volume: context.cloneVolume(input.name, input.attempt),
      protectedPaths,
      sendsLogins: context.hasOtherFiles,
    },
    seal: context.seals.newKey(input.name),
  });
  const name = containerName(identity.runId, input.name, input.attempt);
  const options = { signal, scope: owner(input) };
  const containerId = await ensureOwned(
    {
      ...{ type: 'container', name },
      create: () => createNamedContainer(docker, args, { ...options, operation: 'create the container' }),
      async find() {
        const [found = null] = await context.containers.inspect([name], options);
        return found;
      },
      refusal: found => (isOurs(found, identity, input.name) ? null : notOurs('container', name, found)),
    },
    { findFirst: false },
  );
  return { containerId };
}

function isOurs(
  { labels }: Container,
  identity: ReturnType<ActorContext['identity']>,
  agent: string,
): boolean {
  return (
    labels[label.instance] === identity.instance &&
    labels[label.runId] === identity.runId &&
    labels[label.agent] === agent &&
    labels[label.attempt] === String(identity.attempt) &&
    labels[label.specHash] === identity.specHash
  );
}
