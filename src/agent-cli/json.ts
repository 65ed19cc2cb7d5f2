/** Read JSON of unknown shape: a field of another type counts as missing, and nothing throws. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
export const numberOf = (value: unknown): number => (isNumber(value) ? value : 0);
export const isNumber = (value: unknown): value is number => Number.isFinite(value);

/** Return the first of these that is a non-empty string; null if none is. */
export const firstText = (...values: readonly unknown[]): string | null =>
  values.map(textOf).find(text => text !== '') ?? null;
