import { type Helper, type HelperOptions, runHelper } from '../agent-container/helper.ts';
import { classify, dockerError } from '../docker/classify-error.ts';
import type { DockerResult } from '../docker/cli.ts';
import { matchesMessage, messageOf } from '../docker/messages.ts';
import type { CallScope } from '../docker/recorder.ts';
import { isSshRefusal } from '../docker/ssh.ts';
import type { ActorContext } from './context.ts';

export type HelperPorts = Pick<
  ActorContext,
  'clock' | 'docker' | 'containers' | 'engine' | 'helperImage' | 'identity'
>;

/** The command of a helper container. */
export type HelperCommand = Pick<Helper, 'command' | 'args' | 'mounts' | 'user' | 'groups'>;

/** The work of a helper container for one attempt of an agent. */
export interface HelperJob extends HelperCommand {
  /** For error messages: `make its clone`. */
  readonly purpose: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly attach?: HelperOptions['attach'];
  /**
   * Return whether the helper itself has reported the success or the failure that the result has. Otherwise docker failed:
   * its message counts, or the output was lost.
   */
  readonly hasReported: (result: DockerResult) => boolean;
  readonly prepare?: HelperOptions['prepare'];
  readonly fill?: HelperOptions['fill'];
  readonly take?: HelperOptions['take'];
}

const maxTries = 3;
/** A busy ssh server refuses any of the connections of a command. */
const maxSshTries = 12;
const backoffMs = 1_000;
/** A removal that has begun is completed. */
const neverAborted = new AbortController().signal;

/** Run the job, and run it again after a transient failure of docker. Throws if the engine is unreachable. */
export async function runHelperJob(
  context: HelperPorts,
  owner: CallScope,
  job: HelperJob,
  signal: AbortSignal,
): Promise<DockerResult> {
  const { clock, docker, containers } = context;
  const helper = helperOf(context, owner, job, await context.helperImage(signal));
  const sleep = (ms: number) => clock.sleep(ms, neverAborted);
  const { attach, prepare, fill, take, timeout } = job;
  const options = {
    ...{ docker, containers, signal, timeout, sleep },
    ...(attach ? { attach } : {}),
    ...(prepare ? { prepare } : {}),
    ...(fill ? { fill } : {}),
    ...(take ? { take } : {}),
  };
  for (let tried = 1; ; tried++) {
    const result = await runHelper(helper, options);
    if (signal.aborted || job.hasReported(result)) return result;
    const kind = result.ok ? 'transient' : classify(result);
    if (kind === 'unreachable') throw dockerError(result, { operation: job.purpose });
    const tries = isSshRefusal(result) ? maxSshTries : maxTries;
    if (kind !== 'transient' || result.interrupted === 'timeout' || tried >= tries) return result;
    await clock.sleep(backoffMs, signal).catch(() => {});
  }
}

export function helperOf(
  context: HelperPorts,
  owner: CallScope,
  { command, args, mounts, user, groups = [] }: HelperCommand,
  image: string,
): Helper {
  const { instance, runId } = context.identity(owner.agent, owner.attempt);
  const { isRemapped, supportedLimits } = context.engine;
  return {
    ...{ instance, runId, owner, image, command, args, mounts, user, groups },
    ...{ isRemapped, supportedLimits },
  };
}

/** Return `hasReported` for a command whose output has a line that matches `success`, or one that says why it failed. */
export const hasReported =
  (success: RegExp): HelperJob['hasReported'] =>
  ({ ok, stdout }) =>
    (ok ? success : /^(?:failed|left) /m).test(stdout);

/** Return why a helper failed: its own last line, or docker's message. */
export function jobFailure({ stdout, stderr, printed = '', interrupted, exitCode }: DockerResult): string {
  const reported = /^(?:failed|left) ([^\n\r]{1,300})/m.exec(stdout)?.[1];
  if (reported !== undefined) return reported;
  if (interrupted === 'timeout') return 'it did not end in time';
  if (matchesMessage('noProgram', stderr))
    return 'the base image is of another release; build it again: agent-flow build';
  const silence =
    exitCode === 0
      ? 'the output of the helper container was lost'
      : `the helper container exited with ${exitCode}`;
  return messageOf(stderr) || messageOf(printed) || silence;
}

/** Return the user by which a helper reads and writes the caller's own files. */
export function hostUser({ engine }: Pick<ActorContext, 'engine'>): Pick<Helper, 'user' | 'groups'> {
  // A rootless engine maps the caller to root in a container; the caller's own ids do not exist there.
  if (engine.isRootless) return { user: '0:0' };
  const { uid, gid } = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return { user: `${uid}:${gid}`, groups: uid === 0 ? [] : (process.getgroups?.() ?? []) };
}
