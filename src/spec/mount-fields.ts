import { posix } from 'node:path';
import * as z from 'zod';
import { forbiddenReason } from './forbidden.ts';
import { expects, strict } from './schema-kit.ts';

const mountForm = 'an object such as {"source": "../data", "target": "/data"}';
const sourceForm = 'the path of a file or directory, relative to the directory of the spec';
const targetForm = 'an absolute path in the container, such as "/data"';

/** Directories of the in-container commands and of kernel file systems. */
const reservedTargets = [
  '/',
  '/run/agent',
  '/dev',
  '/proc',
  '/sys',
  '/workspace',
  '/usr/local/bin',
  '/usr/local/lib/agent-flow',
];

export const target = z
  .string({ error: expects(targetForm) })
  .regex(/^\/[^\p{Cc}]*$/u, { error: expects(targetForm), abort: true })
  .refine(value => posix.normalize(value) === value && !/.\/$/.test(value), {
    error: 'expected a path without "..", "." or "/" at its end',
  })
  .refine(value => !reservedTargets.includes(value) && !/^\/(dev|proc|sys|run\/agent)\//.test(value), {
    error: 'this place in the container is taken; mount it elsewhere',
  });

export const onHost = z.boolean({ error: expects('true or false') }).optional();

/** Return why this may not be mounted as a path of the engine's machine; null if it may. */
export function pathOnHostError(path: string): string | null {
  if (!path.startsWith('/') || posix.normalize(path) !== path || /.\/$|\p{Cc}/u.test(path))
    return 'with "onHost": true, expected an absolute path of the engine\'s machine without "..", "." or "/" at its end';
  const why = forbiddenReason(path, { isOnHost: true });
  return why === null ? null : `${path} is never given to an agent: ${why}`;
}

export const mounts = z
  .array(
    strict(
      {
        source: z
          .string({ error: expects(sourceForm) })
          .min(1, { error: expects(sourceForm) })
          .describe('A file or directory of the host, relative to the directory of the spec.'),
        target: target.describe('Its path in the container.'),
        readOnly: z
          .boolean({ error: expects('true or false') })
          .optional()
          .describe('Whether the agent may only read it. Default true.'),
        onHost: onHost.describe(
          "Whether `source` is a path of the engine's machine, which is another one: absolute, and used as it is. Default false.",
        ),
      },
      mountForm,
    ).check(({ value: { source, onHost }, issues }) => {
      const error = onHost === true ? pathOnHostError(source) : null;
      if (error !== null) issues.push({ code: 'custom', path: ['source'], input: source, message: error });
    }),
    { error: expects(`an array of mounts, each ${mountForm}`) },
  )
  .check(({ value, issues }) => {
    const seen = new Set<string>();
    for (const [index, { target }] of value.entries()) {
      if (seen.has(target))
        issues.push({
          code: 'custom',
          path: [index, 'target'],
          input: target,
          message: 'another mount has this target',
        });
      seen.add(target);
    }
  });
