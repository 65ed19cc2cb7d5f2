import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { configFolder } from './config-folder.ts';
import { isWithin } from './paths.ts';

/** Directories that are never mounted: access to any of them amounts to root on the host. */
export interface Forbidden {
  /** The state directory; null while unknown. */
  readonly stateDir: string | null;
  /** The data directory of the engine; null while unknown. */
  readonly engineDir: string | null;
  /** The path is one of the engine's machine, which is another one: its name is checked, too. */
  readonly isOnHost?: boolean;
}

const nothingKnown: Forbidden = { stateDir: null, engineDir: null };

/** Return why this real path may not be mounted into a container; null if it may. */
export function forbiddenReason(
  path: string,
  { stateDir, engineDir, isOnHost = false }: Partial<Forbidden> = nothingKnown,
): string | null {
  const kernel = ['/proc', '/sys', '/dev', ...(isOnHost ? ['/run', '/var/run'] : [])].find(place =>
    isWithin(path, place),
  );
  if (kernel) return `it is in ${kernel}, which is the host's own`;
  const engine = [engineDir, '/var/lib/docker', '/var/lib/containerd'].find(
    place => place && (isWithin(path, place) || isWithin(place, path)),
  );
  if (path === '/') return 'it is the whole host';
  const socket = socketIn(path) ?? (isOnHost && isSocketName(path) ? path : null);
  if (socket !== null)
    return `${socket === path ? 'it is' : 'it holds'} the socket ${socket}, which gives root on the host`;
  const system = ['/etc', '/run', '/var/run'].find(
    place => isWithin(real(place), path) || isWithin(place, path),
  );
  if (system) return `it holds ${system}, which is the host's own`;
  if (engine) return `Docker keeps the files of all containers in ${engine}`;
  const homes = [real(homedir()), ...(isOnHost ? ['/root', '/home'] : [])];
  if (homes.some(home => isWithin(home, path)) || (isOnHost && /^\/home\/[^/]+$/.test(path)))
    return 'it holds your home directory as a whole, with all that you are logged in to; give a directory in it';
  if (stateDir && (isWithin(path, real(stateDir)) || isWithin(real(stateDir), path)))
    return `it is, or holds, the state directory ${stateDir}`;
  const config = real(configFolder(process.env));
  if (isWithin(path, config) || (existsSync(config) && isWithin(config, path)))
    return `it is, or holds, the configuration of agent-flow in ${config}`;
  return null;
}

const real = (path: string) => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};

const names = ['docker.sock', 'containerd.sock', 'podman.sock', 'crio.sock'];

/** Return the socket of an engine that is reachable through `path`. */
function socketIn(path: string): string | null {
  if (isSocket(path)) return path;
  const known = knownSockets()
    .filter(isSocket)
    .map(real)
    .find(socket => isWithin(socket, path));
  if (known) return known;
  const found = entries(path).find(name => names.includes(name) && isSocket(join(path, name)));
  return found === undefined ? null : join(path, found);
}

const isSocketName = (path: string) => names.some(name => path.endsWith(`/${name}`));

function knownSockets(): string[] {
  const { DOCKER_HOST: host = '', XDG_RUNTIME_DIR: runtime } = process.env;
  const home = homedir();
  return [
    ...(host.startsWith('unix://') ? [host.slice('unix://'.length)] : []),
    ...['/run', '/run/docker', '/run/containerd', '/run/podman', '/run/crio', '/var/run'].flatMap(inFolder),
    ...(runtime ? [runtime, join(runtime, 'podman')].flatMap(inFolder) : []),
    ...['.docker/run', '.docker/desktop', '.colima/default', '.rd', '.orbstack/run'].flatMap(folder =>
      inFolder(join(home, folder)),
    ),
  ];
}

const inFolder = (folder: string) => names.map(name => join(folder, name));

const isSocket = (path: string) => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  } catch {
    return false;
  }
};

const entries = (path: string) => {
  try {
    return statSync(path).isDirectory() ? readdirSync(path) : [];
  } catch {
    return [];
  }
};

/**
 * Return how a mount source changed since the spec was read; null if it did not. Docker follows the path only when the
 * container starts: in the meantime an agent may have replaced it with a link.
 */
export function changedReason(path: string, forbidden: Forbidden): string | null {
  if (!existsSync(path)) return `${path} is gone`;
  const now = real(path);
  if (now !== path) return `${path} leads to ${now} now`;
  const why = forbiddenReason(path, forbidden);
  return why === null ? null : `${path} may not be mounted any more: ${why}`;
}
