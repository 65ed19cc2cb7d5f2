import * as z from 'zod';
import { dockerError } from './classify-error.ts';
import type { Docker } from './cli.ts';
import { matchesMessage } from './messages.ts';
import { lines, parseOutput, readCommandError } from './parse-output.ts';

const listed = z
  .object({ ID: z.string(), Name: z.string(), Driver: z.string() })
  .transform(({ ID, Name, Driver }) => ({ id: ID, name: Name, driver: Driver }));

const inspected = z
  .object({
    Id: z.string(),
    Name: z.string(),
    Driver: z.string(),
    Scope: z.string().nullish(),
    Internal: z.boolean(),
    Attachable: z.boolean().nullish(),
    Options: z.record(z.string(), z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
  })
  .transform(({ Id, Name, Driver, Scope, Internal, Attachable, Options, Labels }) => ({
    id: Id,
    name: Name,
    driver: Driver,
    /** The network is one of the Docker Swarm that the engine is in. */
    isOfSwarm: Scope === 'swarm',
    isInternal: Internal,
    /** Containers can be on it that are no services of the Swarm. */
    isAttachable: Attachable ?? false,
    options: Options ?? {},
    labels: Labels ?? {},
  }));

export type FoundNetwork = z.output<typeof inspected>;

export interface NetworkOptions {
  readonly docker: Docker;
  readonly signal?: AbortSignal;
}

/** A network found by name; before Docker 25 several can share one name. */
export interface NamedNetwork {
  /** Return the first network of this name, and remove the others if this process created one of them. */
  readonly findAndDeduplicate: () => Promise<z.output<typeof listed> | null>;
  /** Create it as a bridge with these flags. Succeeds if the name is already taken. */
  readonly create: (flags: readonly string[]) => Promise<void>;
}

export function namedNetwork(name: string, { docker, signal }: NetworkOptions): NamedNetwork {
  const limits = { timeout: 30_000, ...(signal && { signal }) };
  let isCreated = false;
  return {
    async findAndDeduplicate() {
      const [first = null, ...extra] = await listNetworks(name, docker, limits);
      // Before Docker 25 two creates at one instant both succeed, and the name is ambiguous from then on. A create that
      // was cut off may land as well.
      if (isCreated)
        for (const { id } of extra) await docker(['network', 'rm', id], { ...limits, isMutation: true });
      return first;
    },
    async create(flags) {
      await createNetwork(name, ['--driver=bridge', ...flags], { docker, ...limits });
      isCreated = true;
    },
  };
}

/** Create a network with these flags. Succeeds if the name is already taken. */
export async function createNetwork(
  name: string,
  flags: readonly string[],
  { docker, ...options }: NetworkOptions,
): Promise<void> {
  const args = ['network', 'create', ...flags, '--', name];
  const result = await docker(args, { timeout: 30_000, ...options, isMutation: true });
  const isTaken = (['networkExists', 'swarmNameTaken'] as const).some(message =>
    matchesMessage(message, result.stderr),
  );
  if (!result.ok && !isTaken) throw dockerError(result, { operation: `create the network ${name}` });
}

export const listNetworksArgs = (name: string) => [
  'network',
  'ls',
  '--no-trunc',
  `--filter=name=^${name}$`,
  '--format={{json .}}',
];

/** List all networks of exactly this name; every engine returns them in the same order. */
export async function listNetworks(
  name: string,
  docker: Docker,
  limits: { readonly timeout?: number; readonly signal?: AbortSignal } = {},
) {
  const result = await docker(listNetworksArgs(name), { timeout: 30_000, ...limits });
  if (!result.ok) throw dockerError(result, { operation: `look for the network ${name}` });
  return parseOutput(result, stdout => lines(stdout).map(line => listed.parse(JSON.parse(line))))
    .filter(network => network.name === name)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

export async function inspectNetworks(
  docker: Docker,
  ids: readonly string[],
  options: { readonly timeout?: number; readonly signal?: AbortSignal } = {},
): Promise<FoundNetwork[]> {
  if (ids.length === 0) return [];
  const result = await docker(['network', 'inspect', ...ids], { timeout: 30_000, ...options });
  if (!result.ok && !matchesMessage('noNetwork', result.stderr)) throw readCommandError(result);
  return parseOutput(result, stdout => z.array(inspected).parse(JSON.parse(stdout || '[]')));
}
