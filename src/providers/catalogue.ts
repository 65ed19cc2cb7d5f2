import { claude } from './claude.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';
import type { Provider } from './provider.ts';

/** In the order in which they are listed. */
export const providers: readonly Provider[] = [claude, codex, gemini];

export const providerNames: readonly string[] = providers.map(({ name }) => name);

export function providerNamed(name: string): Provider | undefined {
  return providers.find(provider => provider.name === name);
}
