import { setTimeout as delay } from 'node:timers/promises';
import type { Docker, DockerResult } from '../docker/cli.ts';
import { type Containers, containers as containersOf } from '../docker/containers.ts';
import type { ContainerSupport } from '../docker/engine-info.ts';
import { isOwned, label, labelFlags, ownedLabels } from '../docker/labels.ts';
import type { CallEnd, CallScope } from '../docker/recorder.ts';
import { limitFlags, type SupportedLimits } from '../docker/resource-limits.ts';
import { baseImage } from '../images/base.ts';
import { untilAbsent } from './absence-checks.ts';
import { mountFlag, volumeFields } from './create-args.ts';
import { notOursMessage } from './ensure-owned.ts';
import { containerName } from './names.ts';

/** A container that runs one command of the base image for an agent, and is removed. */
export interface Helper {
  readonly instance: string;
  readonly runId: string;
  readonly owner: CallScope;
  readonly image: string;
  readonly command: 'agent-clone' | 'agent-collect' | 'agent-deliver' | 'agent-export' | 'agent-empty';
  readonly args: readonly string[];
  readonly mounts: readonly HelperMount[];
  /** The value of `docker create --user`; even root has rights on files only. */
  readonly user: string;
  /** The engine maps users of containers to other ids on the host. */
  readonly isRemapped?: boolean;
  /** Default: all of them. */
  readonly supportedLimits?: SupportedLimits;
  /** Ids of additional groups. */
  readonly groups?: readonly number[];
}

/** A file or directory of the host, or a volume, and its path in the helper. */
export interface HelperMount {
  /** The name of a volume if `isVolume`. */
  readonly source: string;
  readonly isVolume?: boolean;
  readonly target: string;
  readonly isWritable?: boolean;
}

export interface HelperOptions {
  readonly docker: Docker;
  readonly containers: Containers;
  readonly signal: AbortSignal;
  /** Milliseconds for the command. */
  readonly timeout: number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Called when no earlier helper of this name is running. */
  readonly prepare?: () => Promise<void>;
  /** Fills a volume of the container before it starts, or fails in place of it. */
  readonly fill?: (containerId: string) => Promise<CallEnd>;
  /** Takes files out of the container after its end. Resolves with the result, such as that of a failure to take them. */
  readonly take?: (containerId: string, ended: DockerResult) => Promise<DockerResult>;
  /** Consumes the output in place of the result; called with the arguments of a `docker start --attach`. */
  readonly attach?: (args: readonly string[]) => Promise<CallEnd>;
}

const maxChecks = 20;

export const helperName = ({ runId, owner: { agent, attempt }, command }: Helper) =>
  `${containerName(runId, agent, attempt)}-${command.replace('agent-', '')}`;

/** Return the `docker create` of a helper: no network, only the rights to read and write files, and tight limits. */
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
    // The memory of a clone depends on the size of its repository.
    ...limitFlags(
      { ...(command === 'agent-clone' ? {} : { memory: '1g', cpus: 1 }), pids: 128 },
      supportedLimits,
    ),
    // A remapped user has no rights on the caller's directories.
    ...(helper.isRemapped ? ['--userns=host'] : []),
    ...mounts.map(({ source, target, isVolume = false, isWritable = false }) =>
      mountFlag({
        ...(isVolume ? volumeFields(source) : { type: 'bind', source }),
        target,
        ...(isWritable ? {} : { readonly: 'true' }),
      }),
    ),
    ...labelFlags({
      ...ownedLabels({ instance, runId }, 'helper'),
      [label.helps]: `${owner.agent}/${owner.attempt}`,
    }),
    '--',
    image,
    ...args,
  ];
}

/**
 * Create the helper, wait for its end, and remove it in any case. Returns the result of the helper itself if it started, else
 * that of the failed docker call.
 */
export async function runHelper(helper: Helper, options: HelperOptions): Promise<DockerResult> {
  const { docker, signal, timeout, attach, prepare, fill, take } = options;
  const { owner: scope } = helper;
  // A killed supervisor may have left a helper of this name: its work is done again.
  const { obstacle } = await removeHelper(helper, options);
  if (obstacle) return obstacle;
  await prepare?.();
  const created = await docker(helperArgs(helper), { signal, scope, isMutation: true, timeout: 60_000 });
  if (!created.ok) {
    const remove = async () => ((await removeHelper(helper, options)).isFound ? 1 : 0);
    // An interrupted create may take effect later.
    if (created.interrupted === null) await remove();
    else await untilAbsent(remove, { sleep: options.sleep, maxChecks });
    return created;
  }
  const id = created.stdout.trim();
  const start = async (): Promise<DockerResult> => {
    const args = ['start', '--attach', id];
    if (attach) return { args, stdout: '', ...(await attach(args)) };
    return docker(args, { signal, scope, isMutation: true, timeout });
  };
  const filled = await fill?.(id);
  const ended = filled?.ok === false ? { args: ['cp'], stdout: '', ...filled } : await start();
  const result = take && ended.exitCode !== null ? await take(id, ended) : ended;
  await removeHelper(helper, options);
  return result;
}

/** Empty a folder of a finished run of the files that root in a container left there. */
export function emptyFolder(
  docker: Docker,
  { isRemapped, supportedLimits }: Pick<ContainerSupport, 'isRemapped' | 'supportedLimits'>,
  { instance, runId, path }: { instance: string; runId: string; path: string },
): Promise<DockerResult> {
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

/** Remove the helper if it exists. `obstacle` is docker's result if it remains; one that is not ours is left alone. */
async function removeHelper(
  helper: Helper,
  { containers }: Pick<HelperOptions, 'containers'>,
): Promise<{ readonly isFound: boolean; readonly obstacle: DockerResult | null }> {
  const { instance, runId, owner } = helper;
  const name = helperName(helper);
  // Not aborted by the signal: it is quick, and nothing may be left behind.
  const options = { scope: owner, timeout: 15_000 };
  const [found] = await containers.inspect([name], options);
  if (!found) return { isFound: false, obstacle: null };
  if (isOwned(found.labels, { instance, runId }) && found.labels[label.role] === 'helper') {
    const result = await containers.remove(found.id, options);
    return { isFound: true, obstacle: result.ok ? null : result };
  }
  const stderr = notOursMessage('container', name, found.id);
  const obstacle = { args: ['create'], ok: false, exitCode: 1, stdout: '', stderr, interrupted: null };
  return { isFound: false, obstacle };
}
