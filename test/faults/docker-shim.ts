import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeDocker, type Place } from '../engine/flow.ts';

/**
 * A docker that fails once. `$real` is the real docker; `faultScript` returns the shell for the first call that begins
 * with a verb's words, and every later call is passed through.
 */

export const modes = [
  'fails before doing it',
  'does it, then fails',
  'hangs',
  'hangs after doing it',
  'is killed, and it completes later',
  'does nothing and prints nothing',
  'does it and prints nothing',
  'prints half of its output',
  'is slow',
] as const;
export type Mode = (typeof modes)[number];

/** A stream is passed through for a limited time. */
const streams = ['events'];

function faultScript(verb: string, mode: Mode, folder: string): string {
  const real = streams.includes(verb) ? 'timeout --signal=KILL 2 "$real" "$@"' : '"$real" "$@"';
  const hang = `echo $$ >'${folder}/hangs/'$$; exec sleep 3600`;
  const output = `'${folder}/output'`;
  switch (mode) {
    case 'fails before doing it':
      return 'echo "error during connect: Post \\"http://docker/v1.41\\": EOF" >&2; exit 1';
    case 'does it, then fails':
      return `${real}; echo "unexpected EOF" >&2; exit 1`;
    case 'hangs':
      return hang;
    case 'hangs after doing it':
      return `${real} >/dev/null 2>&1; ${hang}`;
    case 'is killed, and it completes later':
      // Its input is read first, since a dead client's pipe is closed.
      return `cat >${output}; (sleep 0.5; ${real} <${output}) >/dev/null 2>&1 & kill -9 $$`;
    case 'does nothing and prints nothing':
      return 'exit 0';
    case 'does it and prints nothing':
      return `${real} >/dev/null 2>&1; exit 0`;
    case 'prints half of its output':
      return `${real} >${output}; code=$?; head -c $(($(wc -c <${output}) / 2)) ${output}; exit $code`;
    case 'is slow':
      return 'sleep 10; exec "$real" "$@"';
  }
}

export interface DockerFault {
  /** The words that the call begins with. */
  readonly words: string;
  readonly verb: string;
  readonly mode: Mode;
}

/** The environment of a place in which docker has these faults, each of them once. */
export function faultyDocker(here: Place, faults: readonly DockerFault[]): NodeJS.ProcessEnv {
  mkdirSync(join(here.path, 'faults', 'hangs'), { recursive: true });
  const replies = faults.map(({ words, verb, mode }, index) => {
    const folder = join(here.path, 'faults');
    return [
      words,
      `if mkdir '${folder}/${index}' 2>/dev/null; then ${faultScript(verb, mode, folder)}; fi`,
    ] as const;
  });
  return fakeDocker(here, Object.fromEntries(replies));
}

/** Whether every fault has occurred: a cell without its fault proves nothing. */
export const wereInjected = (here: Place, faults: readonly DockerFault[]) =>
  faults.every((_, index) => existsSync(join(here.path, 'faults', String(index))));

/** Pids of hanging docker clients that were not killed. */
export const stillHanging = (here: Place): string[] => {
  const folder = join(here.path, 'faults', 'hangs');
  return readdirSync(folder).filter(pid => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep');
    } catch {
      return false;
    }
  });
};
