import { posix } from 'node:path';
import * as z from 'zod';
import { entries, text } from './fields.ts';
import { envName } from './names.ts';
import { expects } from './schema-kit.ts';

/** Values in the definition of a provider. */

const regexForm = 'a regular expression of JavaScript, without slashes and flags';

export const regex = z.string({ error: expects(regexForm) }).refine(value => regexProblem(value) === null, {
  error: ({ input }) => `expected ${regexForm}: ${regexProblem(String(input))}`,
  abort: true,
});

/** Return why a text is not a regular expression; null if it is one. */
function regexProblem(text: string): string | null {
  try {
    new RegExp(text);
    return null;
  } catch (error) {
    // Without the expression itself: `Invalid regular expression: /(/: Unterminated group`.
    return (error as Error).message.replace(/^.*: /s, '');
  }
}

const pathForm = 'a path relative to the home, such as ".mine/config.json"';
export const homePath = z
  .string({ error: expects(pathForm) })
  .refine(
    path =>
      path !== '' &&
      !posix.isAbsolute(path) &&
      posix.normalize(path) === path &&
      !/^\.\.?$|^\.\.\//.test(path),
    { error: expects(pathForm) },
  );

export const texts = z.array(text, { error: expects('an array of strings') });

const variableForm = 'the name of an environment variable';
export const variable = z.string({ error: expects(variableForm) }).regex(envName, {
  error: expects(variableForm),
});
export const variables = z.array(variable, { error: expects('an array of names of environment variables') });

export const env = entries(text, envName, variableForm);
export const json = z.record(z.string(), z.unknown(), { error: expects('an object') });
