import { posix } from 'node:path';
import * as z from 'zod';
import { maxDuration } from './units.ts';

export const text = z.string().refine(value => !value.includes('\0'), 'holds a NUL');
export const ms = z.int().min(0).max(maxDuration);
export const count = z.int().min(1);
export const usd = z.number().positive();

/** A path as `realpath` returns it. */
export const hostPath = z
  .string()
  .max(4096)
  .refine(path => path.startsWith('/') && posix.normalize(path) === path && !/\p{Cc}/u.test(path), {
    error: 'expected an absolute path without "..", links and control characters',
  });
