import * as z from 'zod';
import type { Docker, DockerAnswer, DockerOptions } from './cli.ts';
import { dockerError, matchesMessage } from './errors.ts';

/** What `docker container inspect` says of a container, as far as we look. */
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
    /** Milliseconds since the epoch; negative where it never happened. */
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

/** Podman's own states, as far as its socket does not translate them, by what they mean to Docker. */
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

/** A state that is not known is no proof of an end: it counts as running. */
const readState = (text: string): ContainerState => states[text.toLowerCase()] ?? 'running';

/** `labels` is as docker prints them, `a=b,c=d`: good for a first look, and for no more than that. */
export type Listed = z.output<typeof listed>;

export interface Containers {
  /** All containers, running or not, that every filter lets through. */
  list(filters: readonly string[], options?: DockerOptions): Promise<Listed[]>;
  inspect(ids: readonly string[], options?: DockerOptions): Promise<Container[]>;
  /** Removes a container, alive or not, and its anonymous volumes. One that is gone already is removed. */
  remove(id: string, options?: DockerOptions): Promise<DockerAnswer>;
}

/** The error of a command that only reads. Its failure is transient unless a known class says otherwise. */
export const readError = (answer: DockerAnswer) => dockerError(answer, { fallbackKind: 'transient' });

/** Parse what docker printed. Throws a transient `DockerError` for output that is not valid, such as half of it. */
export function parseOutput<T>(answer: DockerAnswer, read: (stdout: string) => T): T {
  try {
    return read(answer.stdout);
  } catch {
    throw readError({ ...answer, ok: false, stdout: '', stderr: 'its output cannot be read' });
  }
}

/** Bytes of a list, at some kilobytes for each container; and how many of them are looked at by one call. */
const maxListBytes = 256 * 2 ** 20;
const inspectBatch = 100;

export function containers(docker: Docker): Containers {
  const inspectSome = async (ids: readonly string[], options?: DockerOptions): Promise<Container[]> => {
    const answer = await docker(['container', 'inspect', ...ids], { timeout: 30_000, ...options });
    if (answer.interrupted === 'overflow' && ids.length > 1) {
      const half = ids.length >> 1;
      return [
        ...(await inspectSome(ids.slice(0, half), options)),
        ...(await inspectSome(ids.slice(half), options)),
      ];
    }
    // Some of them gone is no failure: what is left is printed all the same.
    if (!answer.ok && !matchesMessage('noContainer', answer.stderr)) throw readError(answer);
    const none = answer.ok ? '' : '[]';
    return parseOutput(answer, stdout => z.array(inspected).parse(JSON.parse(stdout || none)));
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
      const answer = await docker(args, { timeout: 30_000, most: maxListBytes, ...options });
      // A list that failed is "unknown", never "empty".
      if (!answer.ok) throw readError(answer);
      return parseOutput(answer, stdout => lines(stdout).map(line => listed.parse(JSON.parse(line))));
    },
    async inspect(ids, options) {
      const found: Container[] = [];
      for (let at = 0; at < ids.length; at += inspectBatch)
        found.push(...(await inspectSome(ids.slice(at, at + inspectBatch), options)));
      return found;
    },
    async remove(id, options) {
      const answer = await docker(['rm', '--force', '--volumes', id], { ...options, changes: true });
      return { ...answer, ok: answer.ok || matchesMessage('noContainer', answer.stderr) };
    },
  };
}

export const lines = (text: string) => text.split('\n').filter(line => line.trim() !== '');
