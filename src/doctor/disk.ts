import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import type { Docker } from '../docker/cli.ts';
import { lines } from '../docker/containers.ts';
import { patience, read } from './docker.ts';
import { type Finding, ok, warn } from './finding.ts';

const enough = 5e9;

export const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(bytes < 10e9 ? 1 : 0)} GB`;

/** `folder` or the nearest one above it that is there. */
export function nearest(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearest(dirname(folder));
}

export async function checkDisk(check: string, folder: string, hint: string, more = ''): Promise<Finding> {
  const { bavail, bsize } = await statfs(nearest(folder));
  const free = bavail * bsize;
  const found = `${gigabytes(free)} free at ${folder}${more}`;
  return free < enough ? warn(check, found, hint) : ok(check, found);
}

const used = z.object({ Type: z.string(), Size: z.string(), Reclaimable: z.string() });
const dockerDisk = 'disk of docker';

/** Where docker stores its images, as far as that can be seen from here, and what they take. */
export async function checkDockerDisk(docker: Docker, rootDir: string | null): Promise<Finding> {
  // Counting takes its time on a large disk: without an answer there is no number, and that is all.
  const answer = await docker(['system', 'df', '--format={{json .}}'], { timeout: patience });
  const rows = lines(answer.ok ? answer.stdout : '').flatMap(line => read(used, line) ?? []);
  const taken = rows
    .filter(({ Size }) => Size !== '0B')
    .map(({ Type, Size }) => `${Type.toLowerCase()} ${Size}`)
    .join(', ');
  if (rootDir === null || !existsSync(rootDir))
    return ok(
      dockerDisk,
      taken ? `${taken}; how much is free cannot be seen from here` : 'cannot be seen from here',
    );
  const hint = 'docker system df shows what takes it; docker image prune and docker builder prune free some';
  return checkDisk(dockerDisk, rootDir, hint, taken && ` (${taken})`);
}
