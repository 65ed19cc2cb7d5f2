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

export const providerNames: readonly string[] = providers.map(({ name }) => name);

export function providerNamed(name: string): Provider | undefined {
  return providers.find(provider => provider.name === name);
}
