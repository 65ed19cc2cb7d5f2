/**
 * Separates docker's own output from a container's. `docker logs`, `exec`, `attach` and `start --attach` print the
 * container's stderr on their own stderr. It is untrusted (I8), so the result of such a command is taken from its exit code
 * and the engine's report.
 */

import * as z from 'zod';
import type { Docker } from './cli.ts';
import type { CallEnd } from './recorder.ts';

/**
 * Return the container whose output a command passes on; null for any other command. Options must be written as
 * `--name=value`.
 */
export function containerOfOutput(args: readonly string[]): string | null {
  const [verb, ...more] = args;
  const passesOutputOn =
    verb === 'logs' ||
    verb === 'exec' ||
    verb === 'attach' ||
    (verb === 'start' && more.some(arg => arg === '--attach'));
  return passesOutputOn ? (more.find(arg => !arg.startsWith('-')) ?? null) : null;
}

/** Move a container's stderr from `stderr`, which is docker's, to `printed`. */
export function separateOutput<A extends CallEnd>(args: readonly string[], result: A): A {
  const stderr = result.stderr.replace(emulation, '');
  return containerOfOutput(args) === null
    ? { ...result, stderr }
    : { ...result, stderr: '', printed: stderr };
}

/** The notice that the `docker` of podman-docker prints with every command. */
const emulation = /^Emulate Docker CLI using podman\..*\n?/m;

const state = z.object({ Status: z.string(), Error: z.string().default('') });

/** Return a failed command of this kind with the engine's reason as its `stderr`. */
export async function withEngineReason<A extends CallEnd>(
  docker: Docker,
  args: readonly string[],
  result: A,
  options: Parameters<Docker>[1] = {},
): Promise<A> {
  const id = containerOfOutput(args);
  if (id === null || result.ok || result.interrupted !== null) return result;
  const inspected = await docker(['container', 'inspect', '--format={{json .State}}', id], {
    ...options,
    timeout: 15_000,
  });
  if (inspected.interrupted !== null)
    return { ...result, exitCode: null, interrupted: inspected.interrupted };
  return {
    ...result,
    stderr: inspected.ok ? engineReason(args[0]!, id, inspected.stdout) : inspected.stderr,
  };
}

function engineReason(verb: string, id: string, stdout: string): string {
  const { Status, Error: error } = parseState(stdout);
  if (verb === 'start') return error;
  if (verb !== 'exec' || Status === 'running') return '';
  return `Container ${id} ${Status === 'paused' ? 'is paused' : 'is not running'}`;
}

function parseState(stdout: string): z.output<typeof state> {
  try {
    return state.parse(JSON.parse(stdout));
  } catch {
    return { Status: 'running', Error: '' };
  }
}
