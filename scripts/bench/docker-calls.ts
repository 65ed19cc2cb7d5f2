import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { onPath } from '../../src/on-path.ts';
import { type Command, timeOf } from './timing.ts';

/** Run a command with a `docker` before the real one on PATH that appends a line per process. Returns their command lines. */
export async function dockerCallsOf({ argv, env = {} }: Command, folder: string): Promise<string[]> {
  const docker = onPath('docker', process.env);
  if (docker === null) throw new Error('docker is not on PATH');
  const calls = join(folder, 'docker-calls');
  const wrapper = join(folder, 'docker');
  // One write per line: processes append at the same time.
  writeFileSync(
    wrapper,
    `#!/bin/sh\necho "$(echo "$*" | tr '\\n' ' ')" >>'${calls}'\nexec '${docker}' "$@"\n`,
  );
  chmodSync(wrapper, 0o755);
  writeFileSync(calls, '');
  try {
    await timeOf({ argv, env: { ...env, PATH: `${folder}${delimiter}${process.env.PATH}` } });
    return readFileSync(calls, 'utf8').split('\n').filter(Boolean);
  } finally {
    rmSync(wrapper);
    rmSync(calls);
  }
}
