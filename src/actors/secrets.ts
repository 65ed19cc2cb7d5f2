import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import type { ActorContext } from './context.ts';

/** Return the secrets that an agent is given: placeholders for those of the broker. Throws if one is missing. */
export function givenSecrets(
  context: Pick<ActorContext, 'vault' | 'plan' | 'placeholder'>,
  agent: string,
): Readonly<Record<string, string>> {
  const brokered = context.plan(agent).secrets.filter(({ broker }) => broker !== undefined);
  const placeholders = brokered.map(({ name }) => [name, context.placeholder(agent, name)]);
  return { ...secretsOf(context, agent), ...Object.fromEntries(placeholders) };
}

type SecretWaitPorts = Pick<ActorContext, 'clock' | 'vault' | 'plan'>;

/** Return the secrets of an agent by name. Throws if one is missing. */
export function secretsOf(
  { vault, plan }: Pick<ActorContext, 'vault' | 'plan'>,
  agent: string,
): Readonly<Record<string, string>> {
  const found = vault.open(plan(agent));
  if ('missing' in found) throw new StepError('missingSecret', found.missing);
  return found.values;
}

/** Milliseconds between reads: the file of a secret may be written meanwhile. */
const pollIntervalMs = 2_000;

/** Resolve when no secret of the agent is missing. */
export async function awaitSecrets(
  context: SecretWaitPorts,
  { name }: StepInput,
  signal: AbortSignal,
): Promise<void> {
  while ('missing' in context.vault.open(context.plan(name)))
    await context.clock.sleep(pollIntervalMs, signal);
}
