/** Return a regular expression of a provider's data; null if it has none. */
export const regexOf = (pattern: string | null): RegExp | null =>
  pattern === null ? null : new RegExp(pattern);
