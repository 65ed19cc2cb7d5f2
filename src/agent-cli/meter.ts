import type { ModelTokens } from '../prices/cost.ts';
import { oneLine } from './display.ts';
import type { Usage } from './report.ts';

/** Distributes the tokens of a CLI, which reports totals, among its models. */
export interface Meter {
  /** Name the model of the tokens that follow, and of those before if none was named yet. */
  nameModel(name: string): void;
  /** Return the totals with the tokens of each model; without `models` while none is named. */
  withModels(totals: Usage): Usage;
}

/** A CLI may print any number of names. */
const maxModels = 8;
const otherModels = 'other models';

/** @param model The model if the CLI names none. */
export function createMeter(model: string | undefined): Meter {
  const models = new Map<string, ModelTokens>();
  let current = model === undefined ? null : shortName(model);
  let counted = noTokens;
  return {
    nameModel(name) {
      if (name === '') return;
      const short = shortName(name);
      current = models.has(short) || models.size < maxModels ? short : otherModels;
    },
    withModels(totals) {
      if (current === null) return totals;
      const now = tokensOf(totals);
      const before = models.get(current) ?? noTokens;
      models.set(current, combine(before, combine(now, counted, -1), 1));
      counted = now;
      return { ...totals, models: Object.fromEntries(models) };
    },
  };
}

const shortName = (name: string) => oneLine(name, 100);

const noTokens: ModelTokens = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };

const tokensOf = ({ inputTokens, cachedInputTokens, cacheWriteTokens = 0, outputTokens }: Usage) => ({
  inputTokens,
  cachedInputTokens,
  cacheWriteTokens,
  outputTokens,
});

/** Add or subtract counts. A CLI may correct a total downwards, so the difference of two totals may be below zero. */
const combine = (a: ModelTokens, b: ModelTokens, sign: 1 | -1): ModelTokens => ({
  inputTokens: a.inputTokens + sign * b.inputTokens,
  cachedInputTokens: a.cachedInputTokens + sign * b.cachedInputTokens,
  cacheWriteTokens: a.cacheWriteTokens + sign * b.cacheWriteTokens,
  outputTokens: a.outputTokens + sign * b.outputTokens,
});
