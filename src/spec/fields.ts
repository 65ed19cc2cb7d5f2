import * as z from 'zod';
import { hostForm, hostPattern, hostProblem, maxHosts } from './hosts.ts';
import { envName, imageReference, labelKey, networkName, reservedNetworks } from './names.ts';
import { expects, strict } from './schema-kit.ts';
import {
  durationPattern,
  formatBytes,
  formatDuration,
  maxDuration,
  maxMemory,
  minMemory,
  parseDuration,
  parseSize,
  sizePattern,
} from './units.ts';

/** Linux gives a program no longer argument or environment string than 128 KiB, its last NUL included. */
export const maxArgumentLength = 131_071;

const expectsString = (issue: { readonly input?: unknown }) =>
  typeof issue.input === 'number' || typeof issue.input === 'boolean'
    ? `expected a string; put it in quotes: "${issue.input}"`
    : expects('a string')(issue);

export const text = z.string({ error: expectsString });

const durationForm = 'a duration such as "90s", "45m" or "1h30m" (units h, m, s, ms, the largest first)';
const limitForm = `${durationForm}, or "none"`;
const limitPattern = new RegExp(`^none$|${durationPattern.source}`);

export const duration = timeText(durationPattern, durationForm).transform(value => parseDuration(value)!);

/** A limit that can be lifted. */
export const limit = timeText(limitPattern, limitForm).transform(parseDuration);

function timeText(pattern: RegExp, form: string) {
  return z
    .string({ error: expects(form) })
    .regex(pattern, { error: expects(form), abort: true })
    .refine(value => parseDuration(value) !== 0, { error: 'expected a duration above zero' })
    .refine(value => (parseDuration(value) ?? 0) <= maxDuration, {
      error: `expected at most ${formatDuration(maxDuration)} (24 days)`,
    });
}

const sizeForm = 'a size such as "512m" or "4g" (units k, m, g, no space before them)';

export const memory = size(minMemory, ', the least that Docker gives a container');

/** Bytes. */
export function size(least: number, why = '') {
  return z
    .string({ error: expects(sizeForm) })
    .regex(sizePattern, { error: expects(sizeForm), abort: true })
    .refine(value => parseSize(value)! >= least, {
      error: `expected at least "${formatBytes(least)}"${why}`,
    })
    .refine(value => parseSize(value)! <= maxMemory, {
      error: `expected at most "${formatBytes(maxMemory)}"`,
    })
    .transform(value => parseSize(value)!);
}

export const cpus = z.number({ error: expects('a number of CPUs, such as 2 or 0.5') }).min(0.01, {
  error: 'expected a number of CPUs of at least 0.01, the least that Docker gives a container',
});

export const image = z
  .string({ error: expects('an image such as "node:22-slim"') })
  .max(255, { error: 'expected an image reference of at most 255 characters', abort: true })
  .regex(imageReference, {
    error: expects('an image such as "node:22-slim" or "ghcr.io/me/tools:1.2" (lower case, no spaces)'),
  });

export const env = entries(
  text,
  envName,
  'a name of letters, digits and "_" that does not start with a digit',
).check(({ value, issues }) => {
  for (const [key, content] of Object.entries(value)) {
    if (Buffer.byteLength(`${key}=${content}`) <= maxArgumentLength) continue;
    const message = 'too long for an environment variable (128 KiB); pass it in a file or as the prompt';
    issues.push({ code: 'custom', path: [key], input: content, message });
  }
});

const labelForm =
  'a label name of letters, digits, ".", "_", "-" and "/", not under "tmux-agents", which is ours';
export const labels = entries(text, labelKey, labelForm);

export function entries<Value extends z.ZodType>(value: Value, name: RegExp, form: string) {
  const key = z.string().regex(name, { error: `expected ${form}` });
  return z.record(key, value, { error: expects('an object of names and values') });
}

const networkForm = '"shared", "isolated", "none", {"name": "my-bridge"}, or {"allow": ["api.example.com"]}';

const allowedHost = z
  .string({ error: expects(hostForm) })
  .check(({ value, issues }) => {
    const message = hostProblem(value);
    if (message !== null) issues.push({ code: 'custom', input: value, message });
  })
  .meta({ pattern: hostPattern.source });

const allow = z
  .array(allowedHost, { error: expects(`an array of hosts, each ${hostForm}`) })
  .min(1, { error: 'expected at least one host; "network": "none" is for an agent that needs none' })
  .max(maxHosts, { error: `expected at most ${maxHosts} hosts; "*.example.org" holds all under a name` });

export const network = z.union(
  [
    z.enum(['shared', 'isolated', 'none']),
    strict(
      {
        name: z
          .string({ error: expects('the name of a bridge network') })
          .regex(networkName, {
            error: expects(
              'a network name of letters, digits, "_", "." and "-", the first a letter or digit',
            ),
            abort: true,
          })
          .refine(name => !reservedNetworks.includes(name), {
            error: 'never a network of agents: it is Docker’s own; name a bridge network of yours',
          })
          .optional()
          .describe('A bridge network of that name; it is created where there is none.'),
        allow: allow
          .optional()
          .describe(
            'The hosts that the agent may reach, and no other: `api.example.com`, `*.example.org` for every name under one, `git.example.com:8443` for another port than 80 and 443. No IP addresses.',
          ),
      },
      networkForm,
    ).check(({ value: { name, allow }, issues }) => {
      if (name === undefined && allow === undefined) {
        const message = 'missing; expected the name of a bridge network, or "allow" in its place';
        issues.push({ code: 'custom', path: ['name'], input: name, message });
      }
      if (name !== undefined && allow !== undefined) {
        const message = 'there is a "name" too; give one of the two';
        issues.push({ code: 'custom', path: ['allow'], input: allow, message });
      }
    }),
  ],
  {
    error: issue => (isObject(issue.input) ? undefined : expects(networkForm)(issue)),
  },
);

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
