import type { AgentState, Usage } from './agent-state.ts';

/** Return the usage of all attempts of an agent; null if its CLI never reported any. */
export function usageOf({ attempts }: Pick<AgentState, 'attempts'>): Usage | null {
  return attempts.reduce<Usage | null>(
    (sum, { usage }) => (sum && usage ? addUsage(sum, usage) : (sum ?? usage)),
    null,
  );
}

const addUsage = (a: Usage, b: Usage): Usage => ({
  turns: addNullable(a.turns, b.turns),
  inputTokens: a.inputTokens + b.inputTokens,
  cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  costUsd: addNullable(a.costUsd, b.costUsd),
});

const addNullable = (a: number | null, b: number | null) =>
  a === null && b === null ? null : (a ?? 0) + (b ?? 0);

/** Format usage: `12 turns, 340k tokens in (310k cached), 5k out, $0.42`. */
export function formatUsage({ turns, inputTokens, cachedInputTokens, outputTokens, costUsd }: Usage): string {
  const cached = cachedInputTokens === 0 ? '' : ` (${abbreviate(cachedInputTokens)} cached)`;
  return [
    ...(turns === null ? [] : [`${turns} ${turns === 1 ? 'turn' : 'turns'}`]),
    `${abbreviate(inputTokens)} tokens in${cached}`,
    `${abbreviate(outputTokens)} out`,
    ...(costUsd === null ? [] : [`$${costUsd.toFixed(costUsd < 0.1 ? 4 : 2)}`]),
  ].join(', ');
}

const abbreviate = (count: number) =>
  count < 1000
    ? String(count)
    : count < 999_500
      ? `${Math.round(count / 1000)}k`
      : `${(count / 1e6).toFixed(1)}M`;
