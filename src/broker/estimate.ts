import type { Answer, CallUsage } from './usage.ts';

/** Tokens are at least this long on average, so that a budget is exceeded too early rather than too late. */
const charactersPerToken = 3;

/** Calls that the API counts without generating anything. */
const freeCalls = /count_?tokens|\/cancel$/i;

/** Return whether a call makes a model generate something. */
export const generates = (method: string | undefined, target: string): boolean =>
  method === 'POST' && !freeCalls.test(target.split('?')[0]!);

/**
 * Return the usage of a call that generates: as the API has counted it, or estimated from the bytes of the request and the
 * text of the answer. An agent could otherwise pass its budget, by ending each call before the counts arrive, or by asking
 * for an answer without them.
 */
export function usageOfCall(
  { usage, model, characters }: Answer,
  { isComplete, sent }: { isComplete: boolean; sent: number },
): CallUsage {
  if (usage !== null && isComplete) return usage;
  const seen = Math.ceil(characters / charactersPerToken);
  return {
    model: usage?.model ?? model,
    inputTokens: usage?.inputTokens ?? Math.ceil(sent / charactersPerToken),
    cachedInputTokens: usage?.cachedInputTokens ?? 0,
    cacheWriteTokens: usage?.cacheWriteTokens ?? 0,
    outputTokens: Math.max(usage?.outputTokens ?? 0, seen),
    isEstimated: true,
  };
}
