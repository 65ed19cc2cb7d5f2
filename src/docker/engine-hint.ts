import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { onPath } from '../on-path.ts';
import { clientSetting } from './client-settings.ts';
import { configFolder, defaultSocket } from './engine-address.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export const isRemoteHost = (host: string) => host !== '' && !/^(unix|npipe|fd):/i.test(host);

/**
 * Return the fix for an unreachable engine, found by what exists rather than by docker's message.
 *
 * @param host Its address, `unix:///var/run/docker.sock`; empty if docker does not report it.
 */
export function engineHint(host: string, env: Environment): string {
  const context = host === '' ? missingContext(env) : null;
  if (context !== null) return contextHint(context, env);
  if (/^ssh:/i.test(host) && onPath('ssh', env) === null)
    return 'install ssh (package openssh-client): docker reaches ssh:// through it, and it is not on PATH';
  if (isRemoteHost(host)) return `${remoteHint(env)}${apiHint(env, ', or ')}`;
  switch (access(host.replace(/^unix:\/\//i, '') || defaultSocket)) {
    case 'EACCES':
      return 'add yourself to the docker group (sudo usermod -aG docker "$USER", then log in again), or use a rootless engine';
    case 'ENOENT':
    case 'ENOTDIR':
      return `start Docker, for example with sudo systemctl start docker${env.DOCKER_HOST ? ', or unset DOCKER_HOST' : ''}`;
    default:
      return `${apiHint(env, '', '; otherwise ')}look at its log (sudo journalctl -u docker), or restart it: sudo systemctl restart docker`;
  }
}

/**
 * Return the name of the selected context if it does not exist; else null. Docker keeps each context in a directory
 * named by the SHA-256 of its name.
 */
export function missingContext(env: Environment): string | null {
  if (env.DOCKER_HOST) return null;
  const folder = configFolder(env);
  const name = env.DOCKER_CONTEXT || clientSetting('currentContext', env);
  if (!name || name === 'default') return null;
  const id = createHash('sha256').update(name).digest('hex');
  return existsSync(join(folder, 'contexts', 'meta', id, 'meta.json')) ? null : name;
}

const contextHint = (name: string, { DOCKER_CONTEXT }: Environment) =>
  DOCKER_CONTEXT
    ? `name a context that docker context ls lists without an error in place of ${name}: in DOCKER_CONTEXT, --context or "target"`
    : `choose a context that exists in place of ${name}: docker context use default`;

const remoteHint = (env: Environment) =>
  env.DOCKER_HOST
    ? 'start the engine there, or unset DOCKER_HOST to use a local one'
    : 'start the engine there, or choose another context: docker context use default';

/** With DOCKER_API_VERSION set, the engine may be too old or too new for the client. */
const apiHint = ({ DOCKER_API_VERSION: version }: Environment, before: string, after = '') =>
  version ? `${before}unset DOCKER_API_VERSION, which is ${version}${after}` : '';

/** Return the code of the error; null if the socket is accessible. */
function access(socket: string): string | null {
  try {
    accessSync(socket, constants.R_OK | constants.W_OK);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? null;
  }
}
