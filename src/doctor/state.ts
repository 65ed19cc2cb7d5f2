import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { DockerError } from '../docker/docker-error.ts';
import { labelFilter } from '../docker/labels.ts';
import { hasActiveEngine } from '../recovery/active-engine.ts';
import { openStateDir, whyShared } from '../store/state-directory.ts';
import { nearest } from './disk.ts';
import { patience } from './docker.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const check = 'state directory';

/** Where runs are remembered. It is looked at, not made. */
export async function checkState(path: string): Promise<Finding> {
  const there = nearest(path);
  const refusal = mayWrite(there);
  const elsewhere = 'name another with --state-dir or AGENT_FLOW_STATE_DIR';
  if (refusal !== null) return fail(check, `${path} cannot be written to: ${refusal}`, elsewhere);
  const remote = remoteKinds.get((await statfs(there)).type);
  if (remote !== undefined)
    return warn(
      check,
      `${path} is on a file system of another machine (${remote}): locks may not hold`,
      elsewhere,
    );
  if (there !== path) return ok(check, `${path} is not there yet; the first run makes it`);
  const stats = statSync(path);
  const shared = whyShared(stats);
  if (shared !== null) return fail(check, `${path} is refused: ${shared.reason}`, shared.fix(path));
  const mode = stats.mode & 0o777;
  if ((mode & 0o077) !== 0)
    return warn(check, `${path} is open to others (mode ${mode.toString(8)})`, `chmod 700 '${path}'`);
  return ok(check, path);
}

/** Magic numbers of statfs(2). */
const remoteKinds = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9p'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
]);

function mayWrite(folder: string): string | null {
  try {
    if (!statSync(folder).isDirectory()) return `${folder} is not a directory`;
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** Containers of ours that no engine drives. */
export async function checkLeftovers(docker: Docker, path: string): Promise<Finding> {
  const none = ok('leftovers', 'none');
  if (!existsSync(join(path, 'instance')) || mayWrite(path) !== null || whyShared(statSync(path)))
    return none;
  const state = openStateDir(path);
  const known = containers(docker);
  const limit = { timeout: patience };
  try {
    const ids = (await known.list([labelFilter.managed, labelFilter.instance(state.instance)], limit)).map(
      ({ id }) => id,
    );
    const left = (await known.inspect(ids, limit)).filter(container => !hasActiveEngine(state, container));
    if (left.length === 0) return none;
    const names = left.slice(0, 3).map(({ name, state }) => `${name} (${state})`);
    const more = left.length > 3 ? ` and ${left.length - 3} more` : '';
    return warn(
      'leftovers',
      `no engine drives ${names.join(', ')}${more}`,
      'agent-flow cleanup removes them',
    );
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    return warn('leftovers', 'docker does not list its containers', 'docker ps --all says why');
  }
}
