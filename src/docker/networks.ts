import * as z from 'zod';
import type { Docker } from './cli.ts';
import { lines, parseOutput } from './containers.ts';
import { dockerError } from './errors.ts';

const listed = z.object({ ID: z.string(), Name: z.string(), Driver: z.string() });

export interface NetworkOptions {
  readonly docker: Docker;
  readonly instance: string;
  readonly signal?: AbortSignal;
}

/** List all networks of exactly this name; every engine returns them in the same order. */
export async function listNetworks(name: string, { docker, signal }: NetworkOptions) {
  const args = ['network', 'ls', '--no-trunc', `--filter=name=^${name}$`, '--format={{json .}}'];
  const answer = await docker(args, { timeout: 30_000, ...(signal && { signal }) });
  if (!answer.ok) throw dockerError(answer, { operation: `look for the network ${name}` });
  return parseOutput(answer, stdout => lines(stdout).map(line => listed.parse(JSON.parse(line))))
    .filter(network => network.Name === name)
    .sort((a, b) => (a.ID < b.ID ? -1 : 1));
}
