import { relative } from 'node:path';
import { containerName, flags, label, sessionName } from '../docker/labels.ts';
import { wholeOutput } from '../docker/log-driver.ts';
import { limitFlags, type SupportedLimits } from '../docker/resource-limits.ts';
import type { AgentPlan, WorkspacePlan } from '../spec/plan.ts';
import { baseCapabilities } from '../spec/security-fields.ts';
import { isolatedNetwork, proxyNames } from './names.ts';
import { noOutsideNames, proxyEnv } from './proxy-env.ts';

export interface Identity {
  readonly instance: string;
  readonly runId: string;
  readonly attempt: number;
  readonly specHash: string;
  /** Proves that an end record is the container's own. */
  readonly nonce: string;
}

interface EngineLimits {
  /** What the engine has. */
  readonly cpus: number;
  /** Default: all of them. */
  readonly supportedLimits?: SupportedLimits;
}

export interface CreateOptions {
  readonly limits: EngineLimits;
  readonly createdAt: string;
  readonly mount?: WorkspaceMount;
  /** The key to the attempt's sealed secrets; null where it gets none. */
  readonly seal?: string | null;
}

/** What the host has to do with an agent's workspace, beyond its plan. */
interface WorkspaceMount {
  /** The agent's own clone; null where it has none. */
  readonly clone: string | null;
  /** What of a bound directory agents only read: copies, mounted over what is there. */
  readonly protectedPaths: readonly { readonly path: string; readonly snapshot: string }[];
}

const emptyMount: WorkspaceMount = { clone: null, protectedPaths: [] };

/** The whole `docker create` of one attempt. Every value stands behind its own flag, so none can become another. */
export function createArgs(
  plan: AgentPlan,
  identity: Identity,
  image: string,
  { limits, createdAt, mount = emptyMount, seal = null }: CreateOptions,
): string[] {
  const { instance, runId, attempt, specHash, nonce } = identity;
  const seconds = (ms: number) => Math.max(1, Math.round(ms / 1000));
  const env: Record<string, string> = {
    AGENT_ATTEMPT: String(attempt),
    AGENT_NONCE: nonce,
    // A container that nobody comes back to ends by itself: it outlasts any engine that still means to inject.
    AGENT_INJECT_LIMIT: String(seconds(plan.timeouts.ready) + injectGrace),
    ...(plan.timeouts.run === null ? {} : { AGENT_RUN_LIMIT: String(seconds(plan.timeouts.run)) }),
    ...(plan.timeouts.idle === null ? {} : { AGENT_IDLE_LIMIT: String(seconds(plan.timeouts.idle)) }),
    // Of the image's own, every tmux would take the path of a server that is not there.
    TMUX: '',
    TMUX_TMPDIR: '',
    ...doneBy(plan.done, seconds),
    ...(plan.auth.sshAgent === null ? {} : { SSH_AUTH_SOCK: sshAgentSocket }),
    ...(plan.network.mode === 'allow' ? proxyEnv(proxyNames(runId, plan.network.hosts).proxy) : {}),
  };
  return [
    'create',
    `--name=${containerName(runId, plan.name, attempt)}`,
    '--init',
    '--pull=never',
    '--restart=no',
    '--entrypoint=agent-init',
    `--workdir=${workdirOf(plan.workspace)}`,
    // An image may have another, and agent-init knows this one.
    '--stop-signal=TERM',
    // By number: an image need not have an /etc/passwd.
    ...(plan.user === null ? [] : [`--user=${plan.user.uid}:${plan.user.gid}`]),
    ...(plan.gpus === null ? [] : [gpus(plan.gpus)]),
    ...sandbox(plan.security),
    ...outputBounds(plan.security.log),
    ...limitFlags(
      {
        cpus: plan.cpus ?? Math.min(2, limits.cpus),
        memory: plan.memory,
        // As much in all: none of it swap.
        memorySwap: plan.memory,
        pids: plan.security.pids,
      },
      limits.supportedLimits,
    ),
    ...networkFlags(plan, runId),
    ...workspaceMounts(plan.workspace, mount),
    ...plan.mounts.map(({ source, target, readOnly }) =>
      mountFlag({ type: 'bind', source, target, ...(readOnly ? { readonly: 'true' } : {}) }),
    ),
    ...authMounts(plan).map(({ source, target }) =>
      mountFlag({ type: 'bind', source, target, readonly: 'true' }),
    ),
    ...Object.entries(env).map(([key, value]) => `--env=${key}=${value}`),
    // Theirs first: of two labels with one key docker takes the last.
    ...flags(plan.labels),
    ...flags({
      [label.mark]: 'true',
      [label.agentId]: `${runId}/${plan.name}`,
      [label.sessionName]: sessionName,
      [label.provider]: plan.provider,
      [label.createdAt]: createdAt,
      [label.instance]: instance,
      [label.runId]: runId,
      [label.agent]: plan.name,
      [label.attempt]: String(attempt),
      [label.specHash]: specHash,
      [label.role]: 'agent',
      ...(seal === null ? {} : { [label.seal]: seal }),
    }),
    '--',
    image,
  ];
}

function sandbox({ capabilities, noNewPrivileges }: AgentPlan['security']): string[] {
  return [
    '--cap-drop=ALL',
    ...[...baseCapabilities, ...capabilities].map(name => `--cap-add=${name}`),
    // Either way: the engine's default may be the other.
    `--security-opt=no-new-privileges${noNewPrivileges ? '' : '=false'}`,
    // A crash would leave memory, secrets in it, in the workspace.
    '--ulimit=core=0',
  ];
}

const logFiles = 3;

/** In bytes. Docker writes to one file after the other, and when all are full over the oldest. */
const outputBounds = (bytes: number) => [
  ...wholeOutput,
  `--log-opt=max-size=${Math.ceil(bytes / logFiles)}`,
  `--log-opt=max-file=${logFiles}`,
  // The engine's default may be to compress them, which `docker logs` pays for.
  '--log-opt=compress=false',
];

/** Seconds for which a container waits beyond `timeouts.ready`: time enough to resume a killed engine. */
const injectGrace = 600;

/** A clone is of the whole repository, wherever in it the agent works. */
function workdirOf(workspace: WorkspacePlan): string {
  if (workspace.mode !== 'clone') return '/workspace';
  return ['/workspace', relative(workspace.repository, workspace.path)].filter(Boolean).join('/');
}

function workspaceMounts(workspace: WorkspacePlan, { clone, protectedPaths }: WorkspaceMount): string[] {
  const source = workspace.mode === 'bind' ? workspace.path : clone;
  if (source === null) return [];
  return [
    mountFlag({ type: 'bind', source, target: '/workspace' }),
    ...protectedPaths.map(({ path, snapshot }) =>
      mountFlag({ type: 'bind', source: snapshot, target: `/workspace/${path}`, readonly: 'true' }),
    ),
  ];
}

/** From here `agent-auth` copies. */
const authFolder = '/run/agent/auth';
const sshAgentSocket = '/run/agent/ssh-agent.sock';

/** The caller's logins: never to write to. Where the home is known they are at their places, elsewhere they are copied there. */
export function authMounts({ auth, mounts, user, image, build }: AgentPlan): readonly {
  readonly source: string;
  readonly target: string;
}[] {
  const isRoot = user === null ? image === null && build === null : user.uid === 0;
  const files = auth.files.map(({ source, home, isCopied }) => ({
    source,
    target: isRoot && !isCopied ? `/root/${home}` : `${authFolder}/${home}`,
  }));
  const socket = auth.sshAgent === null ? [] : [{ source: auth.sshAgent, target: sshAgentSocket }];
  // What the spec mounts itself is meant.
  return [...files, ...socket].filter(({ target }) => mounts.every(own => own.target !== target));
}

/** What ends the work beside its own end and `agent-done`. */
function doneBy(done: AgentPlan['done'], seconds: (ms: number) => number): Record<string, string> {
  if (typeof done !== 'object') return {};
  return 'idle' in done ? { AGENT_DONE_IDLE: String(seconds(done.idle)) } : { AGENT_DONE_FILE: done.file };
}

function networkFlags(plan: AgentPlan, runId: string): string[] {
  const { network } = plan;
  if (network.mode === 'none') return ['--network=none'];
  const alias = `--network-alias=${plan.name}.${runId}`;
  if (network.mode === 'bridge') return [`--network=${network.name}`, alias];
  if (network.mode === 'isolated') return [`--network=${isolatedNetwork(runId)}`, alias];
  const inside = `--network=${proxyNames(runId, network.hosts).inside}`;
  return [inside, alias, ...noOutsideNames];
}

function gpus(wanted: NonNullable<AgentPlan['gpus']>): string {
  return `--gpus=${typeof wanted === 'object' ? csv({ device: wanted.device.join(',') }) : wanted}`;
}

export function mountFlag(fields: Readonly<Record<string, string>>): string {
  return `--mount=${csv(fields)}`;
}

/** A field with a comma or a quote in it must be quoted, or it would start the next field. */
function csv(fields: Readonly<Record<string, string>>): string {
  const field = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return Object.entries(fields)
    .map(([key, value]) => field(`${key}=${value}`))
    .join(',');
}
