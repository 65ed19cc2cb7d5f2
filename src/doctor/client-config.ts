import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { configFolder } from '../docker/engine-address.ts';
import { onPath } from '../on-path.ts';
import { type Finding, ok, warn } from './finding.ts';

const helper = z.string().nullish();
const config = z.object({
  credsStore: helper,
  credHelpers: z.record(z.string(), z.string()).nullish(),
  proxies: z.record(z.string(), z.unknown()).nullish(),
  aliases: z.record(z.string(), z.string()).nullish(),
});

export interface ClientConfig {
  readonly path: string;
  /** null if the file does not exist or cannot be read; `problem` has the reason. */
  readonly settings: z.output<typeof config> | null;
  readonly problem: string | null;
}

/** Read the docker client's own config.json as data. */
export function readClientConfig(env: NodeJS.ProcessEnv): ClientConfig {
  const path = join(configFolder(env), 'config.json');
  try {
    return { path, settings: config.parse(JSON.parse(readFileSync(path, 'utf8'))), problem: null };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { path, settings: null, problem: null };
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    return { path, settings: null, problem: reason.split('\n')[0]! };
  }
}

/** Check for settings that docker would silently ignore, or fail on later. Return null without a configuration. */
export function checkClientConfig(
  { path, settings, problem }: ClientConfig,
  env: NodeJS.ProcessEnv,
): Finding | null {
  if (problem !== null)
    return warn(
      'docker config',
      `${path} cannot be read: ${problem}`,
      'fix or remove it: docker ignores all of it, logins to registries included',
    );
  if (settings === null) return null;
  const helpers = [settings.credsStore, ...Object.values(settings.credHelpers ?? {})].filter(name => !!name);
  const missing = helpers.find(name => onPath(`docker-credential-${name}`, env) === null);
  if (missing !== undefined)
    return warn(
      'docker config',
      `${path} names the credential helper ${missing}, but docker-credential-${missing} is not on PATH`,
      'install it, or remove it from the file: images of registries with a login cannot be pulled',
    );
  const hasProxies = Object.keys(settings.proxies ?? {}).length > 0;
  return ok(
    'docker config',
    hasProxies ? `${path}; its proxies apply to builds, and to agents without "network": {"allow"}` : path,
  );
}
