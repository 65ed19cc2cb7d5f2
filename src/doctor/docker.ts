import * as z from 'zod';
import type { Docker } from '../docker/cli.ts';
import { containerSupport } from '../docker/engine-info.ts';
import { messageOf } from '../docker/errors.ts';

/** Milliseconds: an engine that takes longer for a question does not answer. */
export const patience = 5000;

/** What the docker client says of itself and of its engine, all asked at once. */
export interface DockerFacts {
  readonly client: string | null;
  readonly context: string | null;
  /** Where the engine is looked for, such as `unix:///var/run/docker.sock`. */
  readonly endpoint: string | null;
  /** null where it does not answer; then `silence` says why. */
  readonly engine: Engine | null;
  readonly silence: string | null;
  readonly api: { readonly client: string; readonly engine: string } | null;
}

const info = containerSupport.extend({
  ServerVersion: z.string(),
  Name: z.string().optional(),
  NCPU: z.number(),
  MemTotal: z.number(),
  OperatingSystem: z.string().optional(),
  DefaultRuntime: z.string().nullish(),
  ServerErrors: z.array(z.string()).nullish(),
  Plugins: z.object({ Log: z.array(z.string()).nullish() }).nullish(),
  ClientInfo: z
    .object({ Plugins: z.array(z.object({ Name: z.string(), Version: z.string().optional() })).nullish() })
    .nullish(),
});
export type Engine = z.output<typeof info>;

const context = z.object({
  Name: z.string(),
  Endpoints: z.object({ docker: z.object({ Host: z.string() }) }),
});
const versions = z.object({
  Client: z.object({ ApiVersion: z.string() }),
  Server: z.object({ ApiVersion: z.string() }),
});

export async function askDocker(docker: Docker): Promise<DockerFacts> {
  const ask = (...args: string[]) => docker(args, { timeout: patience });
  const [client, where, told, api] = await Promise.all([
    ask('--version'),
    ask('context', 'inspect', '--format={{json .}}'),
    ask('info', '--format={{json .}}'),
    ask('version', '--format={{json .}}'),
  ]);
  const found = read(context, where.stdout);
  const engine = read(info, told.stdout);
  const known = read(versions, api.stdout);
  const reason =
    messageOf(engine?.ServerErrors?.[0] ?? told.stderr) || `docker info exited with ${told.exitCode}`;
  const silence = told.interrupted === 'timeout' ? `does not answer within ${patience / 1000} s` : reason;
  return {
    client: client.ok ? client.stdout.trim() : null,
    context: found?.Name ?? null,
    endpoint: found?.Endpoints.docker.Host ?? null,
    engine: told.ok && engine?.ServerVersion ? engine : null,
    silence: told.ok && engine?.ServerVersion ? null : silence,
    api: known && { client: known.Client.ApiVersion, engine: known.Server.ApiVersion },
  };
}

/** What a schema makes of JSON; null where it is none, or another. */
export function read<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
