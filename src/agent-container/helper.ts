import { setTimeout as delay } from 'node:timers/promises';
import type { Docker, DockerAnswer } from '../docker/cli.ts';
import { type Containers, containers as containersOf } from '../docker/containers.ts';
import type { ContainerSupport } from '../docker/engine-info.ts';
import { containerName, flags, isOwned, label, ownedLabels } from '../docker/labels.ts';
import type { CallEnd, CallScope } from '../docker/recorder.ts';
import { limitFlags, type SupportedLimits } from '../docker/resource-limits.ts';
import { baseImage } from '../images/base.ts';
import { mountFlag } from './create-args.ts';
import { notOursMessage } from './ensure-owned.ts';
import { untilQuiet } from './quiet-checks.ts';

/** A container that does one thing for an agent with a command of the base image, and is removed. */
export interface Helper {
  readonly instance: string;
  readonly runId: string;
  readonly owner: CallScope;
  readonly image: string;
  readonly command: 'agent-clone' | 'agent-collect' | 'agent-deliver' | 'agent-export' | 'agent-empty';
  readonly args: readonly string[];
  readonly mounts: readonly HelperMount[];
  /** As `docker create --user` takes it; root's rights end at files. */
  readonly user: string;
  /** The engine maps the users of its containers to others of the host. */
  readonly isRemapped?: boolean;
  /** Default: all of them. */
  readonly supportedLimits?: SupportedLimits;
  /** Ids of further groups. */
  readonly groups?: readonly number[];
}

/** A file or directory of the host, by where the helper finds it. */
export interface HelperMount {
  readonly source: string;
  readonly target: string;
  readonly isWritable?: boolean;
}

export interface HelperOptions {
  readonly docker: Docker;
  readonly containers: Containers;
  readonly signal: AbortSignal;
  /** Milliseconds for what it does. */
  readonly timeout: number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Called when no earlier helper of this name is at work any more. */
  readonly prepare?: () => Promise<void>;
  /** Receives what it prints, in place of the answer; called with the arguments of a `docker start --attach`. */
  readonly attach?: (args: readonly string[]) => Promise<CallEnd>;
}

const maxChecks = 20;

export const helperName = ({ runId, owner: { agent, attempt }, command }: Helper) =>
  `${containerName(runId, agent, attempt)}-${command.replace('agent-', '')}`;

/** No network, no more rights than reading and writing files takes, and not much of the machine. */
export function helperArgs(helper: Helper): string[] {
  const { instance, runId, owner, image, command, args, mounts, user, groups = [], supportedLimits } = helper;
  return [
    'create',
    `--name=${helperName(helper)}`,
    '--init',
    '--pull=never',
    '--restart=no',
    `--entrypoint=${command}`,
    '--workdir=/',
    `--user=${user}`,
    ...groups.map(group => `--group-add=${group}`),
    '--log-driver=none',
    '--network=none',
    '--no-healthcheck',
    '--cap-drop=ALL',
    '--cap-add=DAC_OVERRIDE',
    '--cap-add=FOWNER',
    '--security-opt=no-new-privileges',
    '--ulimit=core=0',
    // A clone takes what its repository is large.
    ...limitFlags(
      { ...(command === 'agent-clone' ? {} : { memory: '1g', cpus: 1 }), pids: 128 },
      supportedLimits,
    ),
    // Else it would be nobody to the directories of the caller.
    ...(helper.isRemapped ? ['--userns=host'] : []),
    ...mounts.map(({ source, target, isWritable = false }) =>
      mountFlag({ type: 'bind', source, target, ...(isWritable ? {} : { readonly: 'true' }) }),
    ),
    ...flags({
      ...ownedLabels({ instance, runId }, 'helper'),
      [label.helps]: `${owner.agent}/${owner.attempt}`,
    }),
    '--',
    image,
    ...args,
  ];
}

/**
 * Creates it, waits for its end, and removes it, whatever came of it. The answer is that of the helper itself, where it
 * got as far as that.
 */
export async function runHelper(helper: Helper, options: HelperOptions): Promise<DockerAnswer> {
  const { docker, signal, timeout, attach, prepare } = options;
  const { owner } = helper;
  // One of that name was left by an engine that was killed here: what it did is done again.
  const { obstacle } = await removeHelper(helper, options);
  if (obstacle) return obstacle;
  await prepare?.();
  const created = await docker(helperArgs(helper), { signal, owner, changes: true, timeout: 60_000 });
  if (!created.ok) {
    const remove = async () => ((await removeHelper(helper, options)).isFound ? 1 : 0);
    // One that was cut off may land yet.
    if (created.interrupted === null) await remove();
    else await untilQuiet(remove, { sleep: options.sleep, maxChecks });
    return created;
  }
  const args = ['start', '--attach', created.stdout.trim()];
  const answer = attach
    ? { args, stdout: '', ...(await attach(args)) }
    : await docker(args, { signal, owner, changes: true, timeout });
  await removeHelper(helper, options);
  return answer;
}

/** Empties a folder of a run that is over of what root in a container has left there. */
export function emptyFolder(
  docker: Docker,
  { isRemapped, supportedLimits }: Pick<ContainerSupport, 'isRemapped' | 'supportedLimits'>,
  { instance, runId, path }: { instance: string; runId: string; path: string },
): Promise<DockerAnswer> {
  const signal = new AbortController().signal;
  return runHelper(
    {
      isRemapped,
      supportedLimits,
      instance,
      runId,
      owner: { agent: 'cleanup', attempt: 1 },
      image: baseImage,
      command: 'agent-empty',
      args: ['/workspace'],
      mounts: [{ source: path, target: '/workspace', isWritable: true }],
      user: '0',
    },
    { docker, containers: containersOf(docker), signal, timeout: 300_000, sleep: ms => delay(ms) },
  );
}

/** Remove the helper if it exists. `obstacle` is docker's answer where it stays; one that is not ours is left alone. */
async function removeHelper(
  helper: Helper,
  { containers }: Pick<HelperOptions, 'containers'>,
): Promise<{ readonly isFound: boolean; readonly obstacle: DockerAnswer | null }> {
  const { instance, runId, owner } = helper;
  const name = helperName(helper);
  // Not bound to the signal: it is a matter of moments, and nothing may be left behind.
  const options = { owner, timeout: 15_000 };
  const [found] = await containers.inspect([name], options);
  if (!found) return { isFound: false, obstacle: null };
  if (isOwned(found.labels, { instance, runId }) && found.labels[label.role] === 'helper') {
    const answer = await containers.remove(found.id, options);
    return { isFound: true, obstacle: answer.ok ? null : answer };
  }
  const stderr = notOursMessage('container', name, found.id);
  const obstacle = { args: ['create'], ok: false, exitCode: 1, stdout: '', stderr, interrupted: null };
  return { isFound: false, obstacle };
}
