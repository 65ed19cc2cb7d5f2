import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import type { Docker } from '../docker/cli.ts';
import { lines } from '../docker/parse-output.ts';
import { dockerTimeoutMs, parseJson } from './docker.ts';
import { type Finding, ok, warn } from './finding.ts';

const minFreeBytes = 5e9;

export const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(bytes < 10e9 ? 1 : 0)} GB`;

/** Return the folder, or its nearest parent that exists. */
export function nearest(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearest(dirname(folder));
}

export async function checkDisk(check: string, folder: string, hint: string, more = ''): Promise<Finding> {
  const { bavail, bsize } = await statfs(nearest(folder));
  const free = bavail * bsize;
  const found = `${gigabytes(free)} free at ${folder}${more}`;
  return free < minFreeBytes ? warn(check, found, hint) : ok(check, found);
}

const used = z.object({ Type: z.string(), Size: z.string(), Reclaimable: z.string() });
const dockerDisk = 'docker disk';

/** Check the free space where Docker stores images, if that path is on this machine, and list what they take. */
export async function checkDockerDisk(docker: Docker, rootDir: string | null): Promise<Finding> {
  // Slow on a large disk: after a timeout the numbers are left out.
  const result = await docker(['system', 'df', '--format={{json .}}'], { timeout: dockerTimeoutMs });
  const rows = lines(result.ok ? result.stdout : '').flatMap(line => parseJson(used, line) ?? []);
  const taken = rows
    .filter(({ Size }) => Size !== '0B')
    .map(({ Type, Size }) => `${Type.toLowerCase()} ${Size}`)
    .join(', ');
  if (rootDir === null || !existsSync(rootDir))
    return ok(
      dockerDisk,
      taken ? `${taken}; free space unknown: not on this machine` : 'free space unknown: not on this machine',
    );
  const hint = 'free some with docker image prune and docker builder prune; docker system df lists the usage';
  return checkDisk(dockerDisk, rootDir, hint, taken && ` (${taken})`);
}
