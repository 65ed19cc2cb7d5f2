import { exceededLimit } from '../agent-cli/budget.ts';
import { noUsage, type Usage } from '../agent-cli/report.ts';
import type { ModelTokens } from '../prices/cost.ts';
import type { BudgetPlan } from '../spec/plan-report.ts';
import type { CallUsage } from './usage.ts';

/** The usage of one attempt of an agent, by the answers of its APIs. */
export interface AttemptUsage {
  readonly agent: string;
  readonly attempt: number;
  readonly usage: Usage;
}

/** The tokens and the cost that an attempt may use. */
export interface AttemptLimit {
  readonly agent: string;
  readonly attempt: number;
  readonly budget: BudgetPlan;
}

/** Counts the usage of attempts, and knows their limits. */
export interface Meter {
  /** Replace all limits, and take over usage that an earlier broker has counted. */
  load(limits: readonly AttemptLimit[], used: readonly AttemptUsage[]): void;
  count(agent: string, attempt: number, usage: CallUsage): void;
  /** Return the usage of an attempt; null if no answer had any. */
  usageOf(agent: string, attempt: number): Usage | null;
  /** Return why an attempt may not call its API any more; null if it may. */
  exceeded(agent: string, attempt: number): string | null;
  all(): readonly AttemptUsage[];
}

/** An agent chooses the models that it calls. */
const maxModels = 8;
const unnamed = 'a model without a name';

export function createMeter(): Meter {
  const sums = new Map<string, AttemptUsage>();
  let limits: ReadonlyMap<string, BudgetPlan> = new Map();
  const keyOf = (agent: string, attempt: number) => `${agent} ${attempt}`;
  const usageOf = (agent: string, attempt: number) => sums.get(keyOf(agent, attempt))?.usage ?? null;
  return {
    load(given, used) {
      limits = new Map(given.map(({ agent, attempt, budget }) => [keyOf(agent, attempt), budget]));
      for (const sum of used)
        if (usageOf(sum.agent, sum.attempt) === null) sums.set(keyOf(sum.agent, sum.attempt), sum);
    },
    count(agent, attempt, call) {
      const usage = add(usageOf(agent, attempt) ?? noUsage, call);
      sums.set(keyOf(agent, attempt), { agent, attempt, usage });
    },
    usageOf,
    exceeded(agent, attempt) {
      const usage = usageOf(agent, attempt);
      return usage === null ? null : exceededLimit(limits.get(keyOf(agent, attempt)), usage);
    },
    all: () => [...sums.values()],
  };
}

function add(sum: Usage, { model, ...tokens }: CallUsage): Usage {
  const models = sum.models ?? {};
  const known = model ?? unnamed;
  const name = known in models || Object.keys(models).length < maxModels ? known : 'other models';
  const written = (sum.cacheWriteTokens ?? 0) + tokens.cacheWriteTokens;
  return {
    ...sum,
    inputTokens: sum.inputTokens + tokens.inputTokens,
    cachedInputTokens: sum.cachedInputTokens + tokens.cachedInputTokens,
    ...(written === 0 ? {} : { cacheWriteTokens: written }),
    outputTokens: sum.outputTokens + tokens.outputTokens,
    models: { ...models, [name]: addTokens(models[name], tokens) },
  };
}

const addTokens = (sum: ModelTokens | undefined, more: ModelTokens): ModelTokens => ({
  inputTokens: (sum?.inputTokens ?? 0) + more.inputTokens,
  cachedInputTokens: (sum?.cachedInputTokens ?? 0) + more.cachedInputTokens,
  cacheWriteTokens: (sum?.cacheWriteTokens ?? 0) + more.cacheWriteTokens,
  outputTokens: (sum?.outputTokens ?? 0) + more.outputTokens,
});
