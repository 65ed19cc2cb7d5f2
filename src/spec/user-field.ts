import * as z from 'zod';
import type { UserPlan } from './plan.ts';
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

const parseIds = (value: string) => (value.match(/\d+/g) ?? []).map(Number);

/** Return the ids of a valid `user`; null for the user of the image. */
export function resolveUser(user: string | undefined): UserPlan | null {
  if (user === undefined) return null;
  if (user === 'root') return { uid: 0, gid: 0 };
  // On Windows there are no such ids: the virtual machine of Docker maps every file to root.
  if (user === 'host') return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const [uid, gid] = parseIds(user) as [number, number];
  return { uid, gid };
}
