import { regex } from './provider-values.ts';

const maxLength = 1000;

/** A regular expression for messages of a CLI. An empty one would match all of them. */
export const pattern = regex
  .min(1, { error: 'expected a regular expression that is not empty', abort: true })
  .max(maxLength, { error: `expected at most ${maxLength} characters`, abort: true });

/** A regular expression with a group. */
export const patternWithGroup = pattern.refine(value => new RegExp(`${value}|`).exec('')!.length > 1, {
  error: 'expected a group, such as "(rate limit.*)"',
});
