import * as z from 'zod';
import type { Docker, DockerOptions, DockerResult } from './cli.ts';
import { matchesMessage } from './messages.ts';
import { lines, parseOutput, readCommandError } from './parse-output.ts';

/** The fields of `docker container inspect` that are used. */
const inspected = z
  .object({
    Id: z.string(),
    Name: z.string(),
    Created: z.string(),
    State: z.object({
      Status: z.string(),
      ExitCode: z.number(),
      OOMKilled: z.boolean().nullish(),
      StartedAt: z.string(),
      FinishedAt: z.string(),
    }),
    Config: z.object({ Labels: z.record(z.string(), z.string()).nullish(), Image: z.string() }),
    Image: z.string(),
    NetworkSettings: z
      .object({ Networks: z.record(z.string(), z.object({ NetworkID: z.string().nullish() })).nullish() })
      .nullish(),
  })
  .transform(({ Id, Name, Created, State, Config, Image, NetworkSettings }) => ({
    id: Id,
    name: Name.replace(/^\//, ''),
    createdAt: Date.parse(Created),
    state: readState(State.Status),
    exitCode: State.ExitCode,
    oomKilled: State.OOMKilled ?? false,
    /** Milliseconds since the epoch; negative if it never happened. */
    startedAt: Date.parse(State.StartedAt),
    finishedAt: Date.parse(State.FinishedAt),
    labels: Config.Labels ?? {},
    image: Image,
    imageName: Config.Image,
    /** Ids of the networks that it is on. */
    networks: Object.values(NetworkSettings?.Networks ?? {}).flatMap(({ NetworkID }) => NetworkID ?? []),
  }));

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
export type Container = z.output<typeof inspected>;

const listed = z
  .object({ ID: z.string(), State: z.string(), Names: z.string(), Labels: z.string().nullish() })
  .transform(({ ID, State, Names, Labels }) => ({
    id: ID,
    state: readState(State) as string,
    name: Names,
    labels: Labels ?? '',
  }));

/** Docker's states, and those of Podman that its socket does not translate. */
const states: Readonly<Record<string, ContainerState>> = {
  created: 'created',
  configured: 'created',
  initialized: 'created',
  running: 'running',
  stopping: 'running',
  paused: 'paused',
  restarting: 'restarting',
  removing: 'removing',
  exited: 'exited',
  stopped: 'exited',
  dead: 'dead',
};

/** An unknown state does not prove an end: it counts as running. */
const readState = (text: string): ContainerState => states[text.toLowerCase()] ?? 'running';

/** `labels` is as docker prints it, `a=b,c=d`, which is ambiguous: use it to select candidates only. */
type Listed = z.output<typeof listed>;

export interface Containers {
  /** List all containers, running or not, that match every filter. */
  list(filters: readonly string[], options?: DockerOptions): Promise<Listed[]>;
  inspect(ids: readonly string[], options?: DockerOptions): Promise<Container[]>;
  /** Remove a container in any state, and its anonymous volumes. Succeeds if it is gone already. */
  remove(id: string, options?: DockerOptions): Promise<DockerResult>;
}

/** Maximum bytes of a list, at some kilobytes per container, and the number of containers that one call inspects. */
const maxListBytes = 256 * 2 ** 20;
const inspectBatch = 100;

export function containers(docker: Docker): Containers {
  const inspectSome = async (ids: readonly string[], options?: DockerOptions): Promise<Container[]> => {
    const result = await docker(['container', 'inspect', ...ids], { timeout: 30_000, ...options });
    if (result.interrupted === 'overflow' && ids.length > 1) {
      const half = ids.length >> 1;
      return [
        ...(await inspectSome(ids.slice(0, half), options)),
        ...(await inspectSome(ids.slice(half), options)),
      ];
    }
    // Docker prints the containers that exist, also if others do not.
    if (!result.ok && !matchesMessage('noContainer', result.stderr)) throw readCommandError(result);
    // A failed inspect that prints nothing found none.
    const outputIfEmpty = result.ok ? '' : '[]';
    return parseOutput(result, stdout => z.array(inspected).parse(JSON.parse(stdout || outputIfEmpty)));
  };
  return {
    async list(filters, options) {
      const args = [
        'ps',
        '--all',
        '--no-trunc',
        ...filters.map(filter => `--filter=${filter}`),
        '--format={{json .}}',
      ];
      const result = await docker(args, { timeout: 30_000, maxBytes: maxListBytes, ...options });
      // A list that failed is "unknown", never "empty".
      if (!result.ok) throw readCommandError(result);
      return parseOutput(result, stdout => lines(stdout).map(line => listed.parse(JSON.parse(line))));
    },
    async inspect(ids, options) {
      const found: Container[] = [];
      for (let at = 0; at < ids.length; at += inspectBatch)
        found.push(...(await inspectSome(ids.slice(at, at + inspectBatch), options)));
      return found;
    },
    async remove(id, options) {
      const result = await docker(['rm', '--force', '--volumes', id], { ...options, isMutation: true });
      return { ...result, ok: result.ok || matchesMessage('noContainer', result.stderr) };
    },
  };
}
