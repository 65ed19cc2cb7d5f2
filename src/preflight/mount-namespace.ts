import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MountNamespaceOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory that contains /proc, /run and others. Default: `/`. */
  readonly root?: string;
}

/**
 * Return why this process may have other mounts than a Docker engine at the default socket of its machine: it runs in a
 * container, or in a separate mount namespace. Returns null if nothing indicates that.
 */
export function separateMounts({ env, root = '/' }: MountNamespaceOptions): string | null {
  const own = rootMount(root, 'self');
  const daemon = daemonProcess(root);
  const daemonRoot = daemon === null ? null : rootMount(root, daemon);
  // Mount ids are unique in the kernel, across namespaces.
  if (own !== null && daemonRoot !== null)
    return own.id === daemonRoot.id ? null : 'this process has other mounts than the Docker engine';
  if (isInContainer(root, env) || own?.type === 'overlay') return 'this process runs in a container';
  const first = rootMount(root, '1');
  return own !== null && first !== null && own.id !== first.id
    ? 'this process runs in a separate mount namespace'
    : null;
}

function isInContainer(root: string, env: MountNamespaceOptions['env']): boolean {
  const marks = ['.dockerenv', 'run/.containerenv'].some(file => existsSync(join(root, file)));
  const groups = readText(join(root, 'proc/1/cgroup')) ?? '';
  return (
    marks ||
    Boolean(env.container || env.KUBERNETES_SERVICE_HOST) ||
    /docker|containerd|kubepods|libpod|crio-|lxc/.test(groups)
  );
}

/** Return the process id of a dockerd in this process namespace; null if none is known. */
function daemonProcess(root: string): string | null {
  const pid = readText(join(root, 'var/run/docker.pid'))?.trim() ?? '';
  const isRunning = /^\d+$/.test(pid) && readText(join(root, 'proc', pid, 'comm'))?.trim() === 'dockerd';
  return isRunning ? pid : null;
}

/** Return the mount points of this process; none on systems without /proc. */
export const mountPoints = (root = '/'): string[] =>
  mountTable(root, 'self').map(([, , , , point = '']) => unescapeMountPoint(point));

/** Decode a path of mountinfo, which has octal numbers for blanks and similar characters. */
export const unescapeMountPoint = (point: string): string =>
  point.replaceAll(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)));

/** Return the mount of `/` for a process; without an id if it is not a mount point, as in a chroot. */
function rootMount(root: string, process: string): { id: string; type: string } | null {
  const table = mountTable(root, process);
  if (table.length === 0) return null;
  const entry = table.findLast(fields => fields[4] === '/') ?? [];
  return { id: entry[0] ?? '', type: entry[entry.indexOf('-') + 1] ?? '' };
}

/** The fields of each line of mountinfo, see proc(5). */
const mountTable = (root: string, process: string): string[][] =>
  (readText(join(root, 'proc', process, 'mountinfo')) ?? '')
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.split(' '));

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
