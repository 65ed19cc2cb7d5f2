import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import type { ActorContext } from './context.ts';

type SecretWaitPorts = Pick<ActorContext, 'clock' | 'vault' | 'plan'>;

/** The secrets of an agent by their names. Throws where one is not there. */
export function secretsOf(
  { vault, plan }: Pick<ActorContext, 'vault' | 'plan'>,
  agent: string,
): Readonly<Record<string, string>> {
  const found = vault.open(plan(agent));
  if ('missing' in found) throw new StepError('missingSecret', found.missing);
  return found.values;
}

/** A file may be written meanwhile; of our own environment nothing new comes. In milliseconds. */
const pause = 2_000;

export async function awaitSecrets(
  context: SecretWaitPorts,
  { name }: StepInput,
  signal: AbortSignal,
): Promise<void> {
  while ('missing' in context.vault.open(context.plan(name))) await context.clock.sleep(pause, signal);
}
