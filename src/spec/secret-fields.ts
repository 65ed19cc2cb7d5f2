import * as z from 'zod';
import { exactHost, headerProblem, maxSecretHosts } from './host-secrets.ts';
import { hostProblem } from './hosts.ts';
import { envName } from './names.ts';
import { expects, strict } from './schema-kit.ts';

const nameForm = 'the name of an environment variable, such as "OPENAI_API_KEY"';
const secretForm = `${nameForm}, or {"name": "…", "file": "…", "hosts": […]}`;
const fileForm = 'the path of a file that holds the secret';

/** Variables that a shell does not let anyone set. */
const reservedNames = ['UID', 'EUID', 'GID', 'EGID', 'PPID', 'BASHOPTS', 'SHELLOPTS', 'BASH_VERSINFO', '_'];

const name = z
  .string({ error: expects(nameForm) })
  .regex(envName, { error: expects(nameForm), abort: true })
  .refine(value => !reservedNames.includes(value), {
    error: 'this name belongs to the shell; choose another',
  });

const exactForm = 'a host such as "api.example.com" or "git.example.com:8443"';

const hosts = z
  .array(
    z.string({ error: expects(exactForm) }).check(({ value, issues }) => {
      if (exactHost(value) !== null) return;
      const why = value.startsWith('*.') ? `expected ${exactForm}: no wildcards` : hostProblem(value);
      issues.push({ code: 'custom', input: value, message: why ?? `expected ${exactForm}` });
    }),
    { error: expects(`an array of hosts, each ${exactForm}`) },
  )
  .min(1, { error: expects('at least one host') })
  .max(maxSecretHosts, { error: expects(`at most ${maxSecretHosts} hosts`) });

const headerForm = 'a header with one "$" for the value, such as "Authorization: Bearer $"';

const header = z.string({ error: expects(headerForm) }).check(({ value, issues }) => {
  const why = headerProblem(value);
  if (why !== null) issues.push({ code: 'custom', input: value, message: `expected ${headerForm}${why}` });
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
        hosts: hosts
          .optional()
          .describe(
            'The only hosts that get the value, by HTTPS: `api.example.com`, or `git.example.com:8443`. The agent has a placeholder in its place (docs/security.md).',
          ),
        header: header
          .optional()
          .describe(
            'With `hosts`: the header of the value, and its content; `$` stands for the value. Default `Authorization: Bearer $`. In Basic credentials the placeholder itself is replaced.',
          ),
      },
      secretForm,
    ).check(({ value: { hosts, header }, issues }) => {
      if (header === undefined || hosts !== undefined) return;
      const message = 'this is for a secret with "hosts"; name them, or leave it out';
      issues.push({ code: 'custom', path: ['header'], input: header, message });
    }),
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
