import * as z from 'zod';
import type { Docker } from '../docker/cli.ts';
import { rawContainerSupport, rawSwarm } from '../docker/engine-info.ts';
import { messageOf } from '../docker/messages.ts';

export const dockerTimeoutMs = 5000;

/** Facts about the docker client and its engine. */
export interface DockerFacts {
  readonly client: string | null;
  readonly context: string | null;
  /** Address of the engine, such as `unix:///var/run/docker.sock`. */
  readonly endpoint: string | null;
  /** null if the engine is unreachable; `problem` has the reason. */
  readonly engine: Engine | null;
  readonly problem: string | null;
  readonly api: { readonly client: string; readonly engine: string } | null;
}

const info = rawContainerSupport.extend({
  ServerVersion: z.string(),
  Name: z.string().optional(),
  NCPU: z.number(),
  MemTotal: z.number(),
  OperatingSystem: z.string().optional(),
  DefaultRuntime: z.string().nullish(),
  Swarm: rawSwarm.nullish(),
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

/** Run the docker commands that return them, all at once. */
export async function queryDocker(docker: Docker): Promise<DockerFacts> {
  const ask = (...args: string[]) => docker(args, { timeout: dockerTimeoutMs });
  const [client, current, infoResult, api] = await Promise.all([
    ask('--version'),
    ask('context', 'inspect', '--format={{json .}}'),
    ask('info', '--format={{json .}}'),
    ask('version', '--format={{json .}}'),
  ]);
  const found = parseJson(context, current.stdout);
  const engine = parseJson(info, infoResult.stdout);
  const known = parseJson(versions, api.stdout);
  const reason =
    messageOf(engine?.ServerErrors?.[0] ?? infoResult.stderr) ||
    `docker info exited with ${infoResult.exitCode}`;
  const problem =
    infoResult.interrupted === 'timeout' ? `no response within ${dockerTimeoutMs / 1000} s` : reason;
  const isReachable = infoResult.ok && !!engine?.ServerVersion;
  return {
    client: client.ok ? client.stdout.trim() : null,
    context: found?.Name ?? null,
    endpoint: found?.Endpoints.docker.Host ?? null,
    engine: isReachable ? engine : null,
    problem: isReachable ? null : problem,
    api: known && { client: known.Client.ApiVersion, engine: known.Server.ApiVersion },
  };
}

/** Parse JSON with a schema. Return null if it is not valid. */
export function parseJson<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
