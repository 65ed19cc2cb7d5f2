import * as z from 'zod';
import { expects } from './schema-kit.ts';

const userForm = '"root", "host", or ids such as "1000:1000"';
const idPattern = /^(root|host|[0-9]{1,10}:[0-9]{1,10})$/;

/** The largest id in Linux; the next one means "unchanged". */
const maxId = 2 ** 32 - 2;

export const user = z
  .string({ error: expects(userForm) })
  .regex(idPattern, { error: expects(`${userForm}; user names differ between images`), abort: true })
  .refine(value => parseIds(value).every(id => id <= maxId), {
    error: `expected ids of at most ${maxId}`,
  });

export const parseIds = (value: string) => (value.match(/\d+/g) ?? []).map(Number);
