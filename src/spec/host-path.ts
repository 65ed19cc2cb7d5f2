import { posix } from 'node:path';
import * as z from 'zod';

/** A path as `realpath` returns it. */
export const hostPath = z
  .string()
  .max(4096)
  .refine(path => path.startsWith('/') && posix.normalize(path) === path && !/\p{Cc}/u.test(path), {
    error: 'expected an absolute path without "..", links and control characters',
  });
