import { relative } from 'node:path';
import { label, labelFlags } from '../docker/labels.ts';
import { wholeOutput } from '../docker/log-driver.ts';
import { limitFlags, type SupportedLimits } from '../docker/resource-limits.ts';
import type { AgentPlan, WorkspacePlan } from '../spec/plan.ts';
import { baseCapabilities } from '../spec/security-fields.ts';
import { leaseSeconds } from './lease.ts';
import { loginMounts, sshAgentSocket } from './login-mounts.ts';
import { containerName, isolatedNetwork, proxyNames, proxyOf, sessionName } from './names.ts';
import { noOutsideNames, proxyEnv } from './proxy-env.ts';

export interface Identity {
  readonly instance: string;
  readonly runId: string;
  readonly attempt: number;
  readonly specHash: string;
  /** Proves that an end record was written by the container. */
  readonly nonce: string;
}

export interface EngineLimits {
  /** The number of the engine's CPUs. */
  readonly cpus: number;
  /** Default: all of them. */
  readonly supportedLimits?: SupportedLimits;
}

export interface CreateOptions {
  readonly limits: EngineLimits;
  readonly createdAt: string;
  readonly mount?: WorkspaceMount;
  /** The key to the attempt's sealed secrets; null without secrets. */
  readonly seal?: string | null;
}

/** The host's part of an agent's workspace, beyond its plan. */
interface WorkspaceMount {
  /** The path of the agent's own clone; null without one. */
  readonly clone: string | null;
  /** The volume with the agent's own clone; null without one. */
  readonly volume?: string | null;
  /** Read-only paths of a bound directory, with the copies that are mounted over them. */
  readonly protectedPaths: readonly { readonly path: string; readonly snapshot: string }[];
  /** Whether the logins are sent when the agent starts, since the engine has other files. */
  readonly sendsLogins?: boolean;
}

const emptyMount: WorkspaceMount = { clone: null, protectedPaths: [] };

/** Return the `docker create` of one attempt. Every value follows its own flag, so none can become another flag (I8). */
export function createArgs(
  plan: AgentPlan,
  identity: Identity,
  image: string,
  { limits, createdAt, mount = emptyMount, seal = null }: CreateOptions,
): string[] {
  return [
    'create',
    `--name=${containerName(identity.runId, plan.name, identity.attempt)}`,
    '--init',
    '--pull=never',
    '--restart=no',
    '--entrypoint=agent-init',
    `--workdir=${workdirOf(plan.workspace)}`,
    // The image may set another signal; agent-init handles this one.
    '--stop-signal=TERM',
    ...userFlags(plan),
    ...gpuFlags(plan),
    ...sandbox(plan.security),
    ...outputBounds(plan.security.log),
    ...resourceLimits(plan, limits),
    ...networkFlags(plan, identity.runId),
    ...workspaceMounts(plan.workspace, mount),
    ...plan.mounts.map(({ source, target, readOnly }) =>
      mountFlag({ type: 'bind', source, target, ...(readOnly ? { readonly: 'true' } : {}) }),
    ),
    ...loginMounts(plan, mount).map(({ source, target }) =>
      mountFlag({ type: 'bind', source, target, readonly: 'true' }),
    ),
    ...Object.entries(environment(plan, identity)).map(([key, value]) => `--env=${key}=${value}`),
    // The user's labels first: of two with one key docker takes the last.
    ...labelFlags(plan.labels),
    ...labelFlags(ownLabels(plan, identity, createdAt, seal)),
    '--',
    image,
  ];
}

function environment(plan: AgentPlan, { runId, attempt, nonce }: Identity): Readonly<Record<string, string>> {
  const { timeouts } = plan;
  const proxy = proxyOf(plan, runId);
  const lease = leaseSeconds(plan);
  return {
    AGENT_ATTEMPT: String(attempt),
    AGENT_NONCE: nonce,
    // An abandoned container ends by itself (I4), but waits longer than any supervisor tries to inject.
    AGENT_INJECT_LIMIT: String(seconds(timeouts.ready) + injectGrace),
    ...(timeouts.run === null ? {} : { AGENT_RUN_LIMIT: String(seconds(timeouts.run)) }),
    ...(timeouts.idle === null ? {} : { AGENT_IDLE_LIMIT: String(seconds(timeouts.idle)) }),
    ...(lease === null ? {} : { AGENT_LEASE: String(lease) }),
    // With the image's values every tmux would connect to a server that does not exist.
    TMUX: '',
    TMUX_TMPDIR: '',
    ...doneBy(plan.done),
    ...(plan.auth.sshAgent === null ? {} : { SSH_AUTH_SOCK: sshAgentSocket }),
    ...(proxy === null ? {} : proxyEnv(proxy.proxy)),
  };
}

/** Seconds that a container waits beyond `timeouts.ready`: enough to resume after a killed supervisor. */
const injectGrace = 600;

const seconds = (ms: number) => Math.max(1, Math.round(ms / 1000));

/** Return the variables for what ends the work, beside the command's exit and `agent-done`. */
function doneBy(done: AgentPlan['done']): Record<string, string> {
  if (typeof done !== 'object') return {};
  return 'idle' in done ? { AGENT_DONE_IDLE: String(seconds(done.idle)) } : { AGENT_DONE_FILE: done.file };
}

function ownLabels(
  { name, provider }: AgentPlan,
  { instance, runId, attempt, specHash }: Identity,
  createdAt: string,
  seal: string | null,
): Readonly<Record<string, string>> {
  return {
    [label.mark]: 'true',
    [label.agentId]: `${runId}/${name}`,
    [label.sessionName]: sessionName,
    [label.provider]: provider,
    [label.createdAt]: createdAt,
    [label.instance]: instance,
    [label.runId]: runId,
    [label.agent]: name,
    [label.attempt]: String(attempt),
    [label.specHash]: specHash,
    [label.role]: 'agent',
    ...(seal === null ? {} : { [label.seal]: seal }),
  };
}

/** By number, since an image need not have an /etc/passwd. */
export const userFlags = ({ user }: Pick<AgentPlan, 'user'>): string[] =>
  user === null ? [] : [`--user=${user.uid}:${user.gid}`];

export const gpuFlags = ({ gpus: wanted }: Pick<AgentPlan, 'gpus'>): string[] =>
  wanted === null ? [] : [gpus(wanted)];

export function sandbox({ capabilities, noNewPrivileges }: AgentPlan['security']): string[] {
  return [
    '--cap-drop=ALL',
    ...[...baseCapabilities, ...capabilities].map(name => `--cap-add=${name}`),
    // Always set, since the engine's default may differ.
    `--security-opt=no-new-privileges${noNewPrivileges ? '' : '=false'}`,
    // A core dump would leave memory, with secrets, in the workspace.
    '--ulimit=core=0',
  ];
}

const logFiles = 3;

/** Limit the log to `bytes`. Docker writes one file after the other, and overwrites the oldest when all are full. */
export const outputBounds = (bytes: number) => [
  ...wholeOutput,
  `--log-opt=max-size=${Math.ceil(bytes / logFiles)}`,
  `--log-opt=max-file=${logFiles}`,
  // The engine's default may be to compress them, which makes `docker logs` slow.
  '--log-opt=compress=false',
];

export function resourceLimits({ cpus, memory, security }: AgentPlan, limits: EngineLimits): string[] {
  return limitFlags(
    {
      cpus: cpus ?? Math.min(2, limits.cpus),
      memory,
      // Memory and swap together: no swap.
      memorySwap: memory,
      pids: security.pids,
    },
    limits.supportedLimits,
  );
}

/** A clone contains the whole repository, wherever in it the agent works. */
export function workdirOf(workspace: WorkspacePlan): string {
  if (workspace.mode !== 'clone') return '/workspace';
  return ['/workspace', relative(workspace.repository, workspace.path)].filter(Boolean).join('/');
}

function workspaceMounts(
  workspace: WorkspacePlan,
  { clone, volume = null, protectedPaths }: WorkspaceMount,
): string[] {
  if (volume !== null) return [mountFlag({ ...volumeFields(volume), target: '/workspace' })];
  const source = workspace.mode === 'bind' ? workspace.path : clone;
  if (source === null) return [];
  return [
    mountFlag({ type: 'bind', source, target: '/workspace' }),
    ...protectedPaths.map(({ path, snapshot }) =>
      mountFlag({ type: 'bind', source: snapshot, target: `/workspace/${path}`, readonly: 'true' }),
    ),
  ];
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

/** A volume that is mounted as it is: docker adds no files of the image to an empty one. */
export const volumeFields = (source: string) => ({ type: 'volume', source, 'volume-nocopy': 'true' });

export function mountFlag(fields: Readonly<Record<string, string>>): string {
  return `--mount=${csv(fields)}`;
}

/** Write fields as CSV. A field with a comma or a quote must be quoted, or it would start another field (I8). */
function csv(fields: Readonly<Record<string, string>>): string {
  const field = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return Object.entries(fields)
    .map(([key, value]) => field(`${key}=${value}`))
    .join(',');
}
