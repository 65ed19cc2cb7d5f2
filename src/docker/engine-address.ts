import { readlinkSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import * as z from 'zod';
import type { Docker } from './cli.ts';

/** Docker's variables that select an engine. */
const engineVariables = ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'] as const;

/**
 * The address of one engine, which stays valid when the environment or the current context changes.
 *
 *     {"host": "unix:///var/run/docker.sock", "env": {"DOCKER_HOST": "unix:///var/run/docker.sock"}}
 */
export interface EngineAddress {
  /** For display, without secrets; empty if docker does not report it. */
  readonly host: string;
  /**
   * Variables for a docker child: `DOCKER_HOST` and TLS settings, or `DOCKER_CONTEXT` and the `DOCKER_CONFIG` directory that
   * holds the context.
   */
  readonly env: Readonly<Record<string, string>>;
}

export const engineAddress = z.strictObject({
  host: z.string(),
  env: z.partialRecord(z.enum([...engineVariables, 'DOCKER_CONFIG']), z.string()) as z.ZodType<
    EngineAddress['env']
  >,
});

type Environment = Readonly<Record<string, string | undefined>>;

/** Return the environment in which docker uses this context. Like `docker --context`, it takes precedence over DOCKER_HOST. */
export const inContext = (context: string | null, env: Environment): Environment =>
  context === null ? env : { ...env, DOCKER_HOST: undefined, DOCKER_CONTEXT: context };

/**
 * Return the variables of a docker child that differ from this process's; undefined removes one. Without an address the
 * environment selects the engine. Agents run on the engine's own platform, as their images do.
 */
export function dockerEnv(address: EngineAddress | null, env: Environment = process.env): Environment {
  const defaults = { ...absolutePaths(env), DOCKER_DEFAULT_PLATFORM: undefined };
  if (address === null) return defaults;
  return {
    ...defaults,
    ...Object.fromEntries(engineVariables.map(variable => [variable, undefined])),
    ...address.env,
  };
}

/** Docker runs in another working directory, so relative paths become absolute. */
function absolutePaths({ PATH, DOCKER_HOST, DOCKER_CONFIG, DOCKER_CERT_PATH }: Environment): Environment {
  const isRelative = PATH?.split(delimiter).some(folder => !isAbsolute(folder)) ?? false;
  return {
    ...(isRelative && {
      PATH: PATH!
        .split(delimiter)
        .map(folder => resolve(folder))
        .join(delimiter),
    }),
    ...(DOCKER_HOST && absolute(DOCKER_HOST) !== DOCKER_HOST && { DOCKER_HOST: absolute(DOCKER_HOST) }),
    ...(DOCKER_CONFIG && { DOCKER_CONFIG: resolve(DOCKER_CONFIG) }),
    ...(DOCKER_CERT_PATH && { DOCKER_CERT_PATH: resolve(DOCKER_CERT_PATH) }),
  };
}

const context = z.object({
  Name: z.string(),
  Endpoints: z.object({ docker: z.object({ Host: z.string() }) }),
  TLSMaterial: z.record(z.string(), z.unknown()).nullish(),
});

/** The context whose engine depends on the environment alone, and not on a file. */
export const defaultContext = 'default';

/** Return the address of the engine that docker reaches at this moment. */
export const currentAddress = async (docker: Docker, env: Environment): Promise<EngineAddress> =>
  (await currentContext(docker, env)).address;

/** Return that address, and the name of the context that has it; null where DOCKER_HOST or no context has it. */
export async function currentContext(
  docker: Docker,
  env: Environment,
): Promise<{ readonly name: string | null; readonly address: EngineAddress }> {
  if (env.DOCKER_HOST) {
    const host = absolute(env.DOCKER_HOST);
    return { name: null, address: { host: withoutSecrets(host), env: { DOCKER_HOST: host, ...tlsOf(env) } } };
  }
  const result = await docker(['context', 'inspect', '--format={{json .}}'], { timeout: 10_000 });
  const current = result.ok ? read(result.stdout) : null;
  // Docker itself reports a context that does not exist.
  if (current === null) return { name: null, address: { host: '', env: contextOf(env) } };
  const { Name: name, Endpoints, TLSMaterial } = current;
  const host = Endpoints.docker.Host;
  const shown = withoutSecrets(host);
  // Its certificates are stored with the context.
  if (Object.keys(TLSMaterial ?? {}).length > 0)
    return {
      name,
      address: { host: shown, env: { DOCKER_CONTEXT: name, DOCKER_CONFIG: configFolder(env) } },
    };
  // Docker uses the certificates of the environment for the default context only.
  const tls = name === defaultContext ? tlsOf(env) : {};
  return { name, address: { host: shown, env: { DOCKER_HOST: host, ...tls } } };
}

function read(stdout: string) {
  try {
    return context.parse(JSON.parse(stdout));
  } catch {
    return null;
  }
}

const contextOf = ({ DOCKER_CONTEXT }: Environment) => (DOCKER_CONTEXT ? { DOCKER_CONTEXT } : {});

/** Return the directory of the docker client's settings. */
export const configFolder = ({ DOCKER_CONFIG, HOME }: Environment): string =>
  resolve(DOCKER_CONFIG || join(HOME || homedir(), '.docker'));

function tlsOf(env: Environment): Record<string, string> {
  if (!env.DOCKER_TLS_VERIFY && !env.DOCKER_CERT_PATH) return {};
  return {
    DOCKER_CERT_PATH: env.DOCKER_CERT_PATH ? resolve(env.DOCKER_CERT_PATH) : configFolder(env),
    ...(env.DOCKER_TLS_VERIFY && { DOCKER_TLS_VERIFY: env.DOCKER_TLS_VERIFY }),
  };
}

/** Docker resolves the path of a socket against its working directory. */
const absolute = (host: string) =>
  host.replace(/^unix:\/\/(?!\/)(.+)$/, (_, path: string) => `unix://${resolve(path)}`);

/** Remove user and password for display. */
export const withoutSecrets = (host: string) => host.replace(/\/\/[^@/]*:[^@/]*@/, '//');

/** Return whether docker reaches a `host` over a network, and not by a socket of this machine. */
export const isNetworkAddress = (host: string) => /^(tcp|ssh|https?):\/\//i.test(host);

export const defaultSocket = '/var/run/docker.sock';

/** Return whether a `host` is the socket that docker uses by default, also through links. */
export function isDefaultSocket(host: string): boolean {
  if (host === '' || /^(npipe|fd):/i.test(host)) return true;
  const path = /^unix:\/\/(.*)$/i.exec(host)?.[1];
  return path !== undefined && (path === defaultSocket || realPath(path) === realPath(defaultSocket));
}

/** Resolve a path, also to a file that does not exist, such as the socket of an engine that is not started. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? resolveMissing(path) : path;
  }
}

function resolveMissing(path: string): string {
  const directory = realPath(dirname(path));
  try {
    return realPath(resolve(directory, readlinkSync(path)));
  } catch {
    return join(directory, basename(path));
  }
}
