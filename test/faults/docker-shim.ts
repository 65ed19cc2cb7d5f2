import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeDocker, type Place } from '../engine/flow.ts';

/**
 * A docker that lies once. `$real` is the docker that does not; `lie` tells, in shell, what becomes of the first call
 * that begins with a verb's words, and every call after it is honest.
 */

export const modes = [
  'fails before doing it',
  'does it, then fails',
  'hangs',
  'hangs after doing it',
  'is killed, and it lands later',
  'does nothing and says nothing',
  'does it and says nothing',
  'prints half of its answer',
  'is slow',
] as const;
export type Mode = (typeof modes)[number];

/** Of what a stream tells, only a while is told. */
const streams = ['events'];

function lie(verb: string, mode: Mode, folder: string): string {
  const real = streams.includes(verb) ? 'timeout --signal=KILL 2 "$real" "$@"' : '"$real" "$@"';
  const hang = `echo $$ >'${folder}/hangs/'$$; exec sleep 3600`;
  const answer = `'${folder}/answer'`;
  switch (mode) {
    case 'fails before doing it':
      return 'echo "error during connect: Post \\"http://docker/v1.41\\": EOF" >&2; exit 1';
    case 'does it, then fails':
      return `${real}; echo "unexpected EOF" >&2; exit 1`;
    case 'hangs':
      return hang;
    case 'hangs after doing it':
      return `${real} >/dev/null 2>&1; ${hang}`;
    case 'is killed, and it lands later':
      // Its input is read first, since a dead client's pipe is closed.
      return `cat >${answer}; (sleep 0.5; ${real} <${answer}) >/dev/null 2>&1 & kill -9 $$`;
    case 'does nothing and says nothing':
      return 'exit 0';
    case 'does it and says nothing':
      return `${real} >/dev/null 2>&1; exit 0`;
    case 'prints half of its answer':
      return `${real} >${answer}; code=$?; head -c $(($(wc -c <${answer}) / 2)) ${answer}; exit $code`;
    case 'is slow':
      return 'sleep 10; exec "$real" "$@"';
  }
}

export interface Lie {
  /** The words that the call begins with. */
  readonly words: string;
  readonly verb: string;
  readonly mode: Mode;
}

/** The environment of a place where docker tells these lies, each of them once. */
export function lyingDocker(here: Place, lies: readonly Lie[]): NodeJS.ProcessEnv {
  mkdirSync(join(here.path, 'lies', 'hangs'), { recursive: true });
  const answers = lies.map(({ words, verb, mode }, index) => {
    const folder = join(here.path, 'lies');
    return [words, `if mkdir '${folder}/${index}' 2>/dev/null; then ${lie(verb, mode, folder)}; fi`] as const;
  });
  return fakeDocker(here, Object.fromEntries(answers));
}

/** Whether every lie has been told: a cell whose fault never came has shown nothing. */
export const wereTold = (here: Place, lies: readonly Lie[]) =>
  lies.every((_, index) => existsSync(join(here.path, 'lies', String(index))));

/** Pids of hanging docker clients that somebody has forgotten. */
export const stillHanging = (here: Place): string[] => {
  const folder = join(here.path, 'lies', 'hangs');
  return readdirSync(folder).filter(pid => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep');
    } catch {
      return false;
    }
  });
};
