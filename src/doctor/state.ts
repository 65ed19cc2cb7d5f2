import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { DockerError } from '../docker/docker-error.ts';
import { labelFilter } from '../docker/labels.ts';
import { hasSupervisor } from '../recovery/has-supervisor.ts';
import { openStateDir, sharedReason } from '../store/state-directory.ts';
import { nearest } from './disk.ts';
import { dockerTimeoutMs } from './docker.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const check = 'state directory';

/** Check the state directory without creating it. */
export async function checkState(path: string): Promise<Finding> {
  const existing = nearest(path);
  const problem = writeProblem(existing);
  const elsewhere = 'use another one with --state-dir or AGENT_FLOW_STATE_DIR';
  if (problem !== null) return fail(check, `${path} is not writable: ${problem}`, elsewhere);
  const remote = remoteKinds.get((await statfs(existing)).type);
  if (remote !== undefined)
    return warn(check, `${path} is on a network file system (${remote}): locks may be unreliable`, elsewhere);
  if (existing !== path) return ok(check, `${path} does not exist yet; the first run creates it`);
  const stats = statSync(path);
  const shared = sharedReason(stats);
  if (shared !== null) return fail(check, `${path} is not safe to use: ${shared.reason}`, shared.fix(path));
  const mode = stats.mode & 0o777;
  if ((mode & 0o077) !== 0)
    return warn(
      check,
      `other users have access to ${path} (mode ${mode.toString(8)})`,
      `chmod 700 '${path}'`,
    );
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

function writeProblem(folder: string): string | null {
  try {
    if (!statSync(folder).isDirectory()) return `${folder} is not a directory`;
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** Check for containers of this state directory without a supervisor. */
export async function checkLeftovers(docker: Docker, path: string): Promise<Finding> {
  const none = ok('leftovers', 'none');
  if (!existsSync(join(path, 'instance')) || writeProblem(path) !== null || sharedReason(statSync(path)))
    return none;
  const state = openStateDir(path);
  const known = containers(docker);
  const limit = { timeout: dockerTimeoutMs };
  try {
    const ids = (await known.list([labelFilter.managed, labelFilter.instance(state.instance)], limit)).map(
      ({ id }) => id,
    );
    const left = (await known.inspect(ids, limit)).filter(container => !hasSupervisor(state, container));
    if (left.length === 0) return none;
    const names = left.slice(0, 3).map(({ name, state }) => `${name} (${state})`);
    const more = left.length > 3 ? ` and ${left.length - 3} more` : '';
    return warn(
      'leftovers',
      `no supervisor runs ${names.join(', ')}${more}`,
      'run agent-flow resume to continue, or agent-flow cleanup to remove them',
    );
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    return warn('leftovers', 'could not list containers', 'run docker ps --all to see why');
  }
}
