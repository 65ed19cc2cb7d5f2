import { type Prices, table } from './table.ts';

/** Tokens that a model has used. */
export interface ModelTokens {
  /** Those from a cache, and those written to one, included. */
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
}

/** The usage of an AI CLI, as far as it counts for its cost. */
export interface CountedUsage {
  /** The cost in US dollars that the CLI itself reports; null if it does not. */
  readonly costUsd: number | null;
  /** By the name of the model; absent if the CLI does not name any. */
  readonly models?: Readonly<Record<string, ModelTokens>>;
}

export interface Cost {
  /** US dollars; null if neither a price nor a report of the CLI is known. */
  readonly usd: number | null;
  /** Models without a price, whose tokens are not in the cost. */
  readonly unpriced: readonly string[];
}

/**
 * Return the cost of a usage: the larger one of what its tokens cost by the table, and of what the CLI reports. A CLI
 * knows of fees that are not for tokens, but may have outdated prices, or none.
 */
export function costOf({ costUsd: reported, models = {} }: CountedUsage): Cost {
  const costs = Object.entries(models)
    .filter(([, tokens]) => Object.values(tokens).some(count => count > 0))
    .map(([model, tokens]) => ({ model, usd: costOfTokens(model, tokens) }));
  const known = costs.flatMap(({ usd }) => usd ?? []);
  const sum = known.length === 0 ? null : roundUsd(known.reduce((total, usd) => total + usd, 0));
  if (reported !== null) return { usd: Math.max(reported, sum ?? 0), unpriced: [] };
  return { usd: sum, unpriced: costs.flatMap(({ model, usd }) => (usd === null ? model : [])) };
}

/** Return what tokens of a model cost, in US dollars; null if its price is not known. */
function costOfTokens(model: string, tokens: ModelTokens): number | null {
  const prices = pricesOf(model);
  if (prices === null) return null;
  const [input, cacheRead, cacheWrite, output] = prices;
  const cached = Math.max(0, tokens.cachedInputTokens);
  const written = Math.max(0, tokens.cacheWriteTokens);
  const plain = Math.max(0, tokens.inputTokens - cached - written);
  const millionths =
    plain * input + cached * cacheRead + written * cacheWrite + Math.max(0, tokens.outputTokens) * output;
  return millionths / 1e6;
}

/** Return the prices of a model by any name that an AI CLI has for it; null if they are not known. */
export function pricesOf(model: string): Prices | null {
  const name = model
    .toLowerCase()
    // `claude-opus-5-5[1m]`, `anthropic/claude-opus-5.5`, `us.anthropic.claude-opus-5-5-v1:0`
    .replace(/\[[^\]]*\]$/, '')
    .replace(/^.*\//, '')
    .replace(/^(?:[a-z]+\.)?anthropic\.(.*?)(?:-v\d+(?::\d+)?)?$/, '$1')
    .replace(/^claude.*$/, claude => claude.replaceAll('.', '-'));
  const undated = name.replace(/[-@](?:\d{8}|\d{4}-\d{2}-\d{2})$/, '');
  const key = [name, undated].find(key => Object.hasOwn(table, key));
  return key === undefined ? null : table[key]!;
}

/** Round off what is only an effect of binary fractions. */
export const roundUsd = (usd: number): number => Number(usd.toFixed(9));

/** Format US dollars: `$0.42`, or `$0.0013` below ten cents. */
export const formatUsd = (usd: number): string => `$${usd.toFixed(usd < 0.1 && usd > 0 ? 4 : 2)}`;
