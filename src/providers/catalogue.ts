import { aider } from './aider.ts';
import { amp } from './amp.ts';
import { antigravity } from './antigravity.ts';
import { claude } from './claude.ts';
import { cline } from './cline.ts';
import { codex } from './codex.ts';
import { copilot } from './copilot.ts';
import { cursor } from './cursor.ts';
import { droid } from './droid.ts';
import { gemini } from './gemini.ts';
import { goose } from './goose.ts';
import { kimi } from './kimi.ts';
import { kiro } from './kiro.ts';
import { opencode } from './opencode.ts';
import { pi } from './pi.ts';
import type { Provider } from './provider.ts';
import { qwen } from './qwen.ts';

/** Providers in the order of lists: first those that the tests run. */
export const providers: readonly Provider[] = [
  claude,
  codex,
  gemini,
  opencode,
  copilot,
  cline,
  qwen,
  pi,
  kimi,
  droid,
  cursor,
  aider,
  amp,
  kiro,
  goose,
  antigravity,
];

/** AI CLIs by name. */
export type Providers = ReadonlyMap<string, Provider>;

/** Those of this package. */
export const builtIn: Providers = new Map(providers.map(provider => [provider.name, provider]));

export const providerNames: readonly string[] = [...builtIn.keys()];

/** Return an AI CLI of this package. */
export const providerNamed = (name: string): Provider | undefined => builtIn.get(name);

/** Return the AI CLIs of a plan: those of this package, and those that the plan defines. */
export const providersOf = ({
  providers: own = [],
}: {
  readonly providers?: readonly Provider[];
}): Providers =>
  own.length === 0
    ? builtIn
    : new Map([...builtIn, ...own.map(provider => [provider.name, provider] as const)]);
