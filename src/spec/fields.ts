import * as z from 'zod';
import { envName, imageReference, labelKey } from './names.ts';
import { expects } from './schema-kit.ts';
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

/** Bytes: Linux limits an argument or environment string of a program to 128 KiB, with its final NUL. */
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

/** A duration, or `none`. */
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

/** A size, parsed into bytes. */
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

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
