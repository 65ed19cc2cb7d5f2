import { formatUsd, roundUsd } from '../prices/cost.ts';
import type { AgentState, Usage } from './agent-state.ts';
import { ownAttempts } from './reused-agent.ts';

/** Return the usage of all attempts of an agent; null if its CLI never reported any. */
export function usageOf({ attempts }: Pick<AgentState, 'attempts'>): Usage | null {
  return attempts.reduce<Usage | null>(
    (sum, { usage }) => (sum && usage ? addUsage(sum, usage) : (sum ?? usage)),
    null,
  );
}

export interface RunCost {
  /** US dollars of all agents whose cost is known; null if none is. */
  readonly usd: number | null;
  /** The date of the prices; null if none was used. */
  readonly pricesDate: string | null;
  /** Models without a known price, whose tokens are not in the cost. */
  readonly unpricedModels: readonly string[];
}

/** Return the cost of a run, without that of reused agents; null if no AI CLI has reported its usage in it. */
export function costOfRun(agents: Readonly<Record<string, AgentState>>): RunCost | null {
  const sum = usageOf({ attempts: Object.values(agents).flatMap(ownAttempts) });
  if (sum === null) return null;
  const { costUsd, pricesDate = null, unpricedModels = [] } = sum;
  return { usd: costUsd, pricesDate, unpricedModels };
}

function addUsage(a: Usage, b: Usage): Usage {
  const [pricesDate] = [a.pricesDate, b.pricesDate]
    .flatMap(date => date ?? [])
    .sort()
    .reverse();
  const unpricedModels = [...new Set([...(a.unpricedModels ?? []), ...(b.unpricedModels ?? [])])];
  const written = (a.cacheWriteTokens ?? 0) + (b.cacheWriteTokens ?? 0);
  return {
    turns: addNullable(a.turns, b.turns),
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    ...(written === 0 ? {} : { cacheWriteTokens: written }),
    outputTokens: a.outputTokens + b.outputTokens,
    costUsd: addCosts(a.costUsd, b.costUsd),
    ...(pricesDate === undefined ? {} : { pricesDate }),
    ...(unpricedModels.length === 0 ? {} : { unpricedModels: unpricedModels.slice(0, maxModels) }),
  };
}

/** Agents may print any names of models. */
const maxModels = 20;

const addNullable = (a: number | null, b: number | null) =>
  a === null && b === null ? null : (a ?? 0) + (b ?? 0);

const addCosts = (a: number | null, b: number | null) => {
  const sum = addNullable(a, b);
  return sum === null ? null : roundUsd(sum);
};

/** Format usage: `12 turns, 340k tokens in (310k cached), 5k out, $0.42`. */
export function formatUsage({ turns, inputTokens, cachedInputTokens, outputTokens, costUsd }: Usage): string {
  const cached = cachedInputTokens === 0 ? '' : ` (${abbreviate(cachedInputTokens)} cached)`;
  return [
    ...(turns === null ? [] : [`${turns} ${turns === 1 ? 'turn' : 'turns'}`]),
    `${abbreviate(inputTokens)} tokens in${cached}`,
    `${abbreviate(outputTokens)} out`,
    ...(costUsd === null ? [] : [formatUsd(costUsd)]),
  ].join(', ');
}

const abbreviate = (count: number) =>
  count < 1000
    ? String(count)
    : count < 999_500
      ? `${Math.round(count / 1000)}k`
      : `${(count / 1e6).toFixed(1)}M`;
