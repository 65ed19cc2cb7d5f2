import * as z from 'zod';
import { envName } from './names.ts';
import { expects, strict } from './schema-kit.ts';

const nameForm = 'the name of an environment variable, such as "OPENAI_API_KEY"';
const secretForm = `${nameForm}, or {"name": "…", "file": "…"}`;
const fileForm = 'the path of a file that holds the secret';

/** Variables that a shell does not let anyone set. */
const reservedNames = ['UID', 'EUID', 'GID', 'EGID', 'PPID', 'BASHOPTS', 'SHELLOPTS', 'BASH_VERSINFO', '_'];

const name = z
  .string({ error: expects(nameForm) })
  .regex(envName, { error: expects(nameForm), abort: true })
  .refine(value => !reservedNames.includes(value), {
    error: 'this name belongs to the shell; choose another',
  });

const secret = z.union(
  [
    name,
    strict(
      {
        name: name.describe('The environment variable of the agent.'),
        file: z
          .string({ error: expects(fileForm) })
          .min(1, { error: expects(fileForm) })
          .optional()
          .describe(
            'The file with the value, relative to the directory of the spec; one final line break is removed.',
          ),
      },
      secretForm,
    ),
  ],
  {
    error: ({ input }) =>
      typeof input === 'object' && input !== null
        ? undefined
        : expects(typeof input === 'string' ? nameForm : secretForm)({ input }),
  },
);

export const secrets = z
  .array(secret, { error: expects(`an array of names, such as ["OPENAI_API_KEY"]`) })
  .check(({ value, issues }) => {
    const seen = new Set<string>();
    for (const [index, entry] of value.entries()) {
      const own = typeof entry === 'string' ? entry : entry.name;
      if (seen.has(own))
        issues.push({ code: 'custom', path: [index], input: entry, message: `${own} is a duplicate` });
      seen.add(own);
    }
  });
