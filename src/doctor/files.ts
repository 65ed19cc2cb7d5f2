import { asStepError } from '../../machines/step-error.ts';
import type { Docker } from '../docker/cli.ts';
import { currentAddress } from '../docker/engine-address.ts';
import { containerSupportOf } from '../docker/engine-info.ts';
import { askEngine, whyElsewhere } from '../preflight/check-files.ts';
import { unsharedPaths } from '../preflight/shared-files.ts';
import { nearest } from './disk.ts';
import type { Engine } from './docker.ts';
import { type Finding, ok, warn } from './finding.ts';

const check = 'shared files';

/** Check that the engine mounts the same files as this process, for the working directory and the state directory. */
export async function checkSharedFiles(
  facts: Engine,
  { docker, env, stateDir }: { docker: Docker; env: NodeJS.ProcessEnv; stateDir: string },
): Promise<Finding> {
  const reason = whyElsewhere(await currentAddress(docker, env), { hostName: facts.Name ?? null }, env);
  if (reason === null) return ok(check, 'the engine mounts the files of this machine');
  const ask = askEngine({ docker, engine: containerSupportOf(facts), timeout: null });
  const paths = [...new Set([...workingDirectory(), nearest(stateDir)])];
  try {
    const unshared = await unsharedPaths(paths, ask);
    if (unshared.length === 0) return ok(check, `${reason}; it mounts the same files as this process`);
    return warn(
      check,
      `${reason}; it mounts other files, or none, at ${unshared.join(' and ')}`,
      'use "mode": "clone" or "copy" for workspaces, and "onHost": true for mounts of its own files, or give both the same files at the same paths',
    );
  } catch (error) {
    return warn(
      check,
      `${reason}; ${asStepError(error).message}`,
      'run agent-flow build: this check needs the base image',
    );
  }
}

/** Return the working directory, or nothing if it was removed. */
function workingDirectory(): string[] {
  try {
    return [process.cwd()];
  } catch {
    return [];
  }
}
