import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import { createArgs } from '../agent-container/create-args.ts';
import type { Container } from '../docker/containers.ts';
import { dockerError, matchesMessage, unreadableOutput } from '../docker/errors.ts';
import { containerName, label } from '../docker/labels.ts';
import { createWithLog } from '../docker/log-driver.ts';
import { type ActorContext, owner } from './context.ts';

type CreatePorts = Pick<
  ActorContext,
  'clock' | 'docker' | 'containers' | 'engine' | 'plan' | 'identity' | 'clone' | 'protectGit' | 'seals'
>;

/** Makes the container of an attempt, or finds the one that an earlier try has made: the name is the key. */
export async function createContainer(world: CreatePorts, input: StepInput, signal: AbortSignal) {
  const { clock, docker, engine } = world;
  const plan = world.plan(input.name);
  const identity = world.identity(input.name, input.attempt);
  const createdAt = new Date(clock.now()).toISOString();
  const protectedPaths = await world.protectGit(owner(input));
  const args = createArgs(plan, identity, input.image ?? '', {
    limits: engine,
    createdAt,
    mount: { clone: world.clone(input.name, input.attempt), protectedPaths },
    seal: world.seals.newKey(input.name),
  });
  const options = { signal, owner: owner(input), changes: true, timeout: 120_000 };
  const answer = await createWithLog(docker, args, options);
  const containerId = answer.stdout.trim();
  // Half an id would do for docker, which takes it for a prefix; nothing that we keep is to be one.
  if (answer.ok && /^[0-9a-f]{64}$/.test(containerId)) return { containerId };
  if (answer.ok) throw unreadableOutput(answer, 'create the container');

  if (!matchesMessage('nameTaken', answer.stderr))
    throw dockerError(answer, { operation: 'create the container' });

  const name = containerName(identity.runId, input.name, input.attempt);
  const [holder] = await world.containers.inspect([name], { signal, owner: owner(input) });
  // Gone again: its removal was under way.
  if (!holder) throw new StepError('transient', `the name ${name} was taken a moment ago`);
  if (isOurs(holder, identity, input.name)) return { containerId: holder.id };
  const message = `the name ${name} is held by container ${holder.id.slice(0, 12)}, which is not ours. Rename or remove that one`;
  throw new StepError('nameConflict', message);
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
