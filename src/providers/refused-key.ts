import type { Provider } from './provider.ts';

/** Return the variable with the key that was refused: one that the agent was `given`, or else its first one. */
export function refusedKey(
  { keys, models }: Pick<Provider, 'keys' | 'models'>,
  given: readonly string[],
): string | undefined {
  // The key of a server in its file of models may have any name.
  const ofModels = models && given.find(name => /_(KEY|TOKEN)$/.test(name));
  return keys.find(key => given.includes(key)) ?? ofModels ?? keys[0];
}
