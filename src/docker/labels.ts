/** Every label that is set or read. Any user can set labels: only a resource with our instance id is ours (I3). */
export const label = {
  /** The five labels that docker/README.md documents. */
  mark: 'tmux-agents',
  agentId: 'tmux-agents.agent-id',
  sessionName: 'tmux-agents.session-name',
  provider: 'tmux-agents.ai-provider',
  createdAt: 'tmux-agents.created-at',
  /** A random id of the state directory. */
  instance: 'tmux-agents.instance',
  runId: 'tmux-agents.run-id',
  agent: 'tmux-agents.agent',
  attempt: 'tmux-agents.attempt',
  specHash: 'tmux-agents.spec-hash',
  role: 'tmux-agents.role',
  /** The key to the attempt's sealed secrets; it is stored nowhere else. */
  seal: 'tmux-agents.seal',
  /** On helper containers (short-lived, for git and copying) and volumes: the agent and attempt served. They have no `agent` label. */
  helps: 'tmux-agents.helps',
  /** On images: the version of the in-container commands, and the hash of the build's content. */
  protocol: 'tmux-agents.protocol',
  content: 'tmux-agents.content',
  /** On images of ours, their kind: `base`, `gpu`, `layer`, `build`, `proxy`, `broker`, `model-stub`, `provider` or `pause`. Containers inherit it. */
  image: 'tmux-agents.image',
} as const;

/** Filters of `docker ps` and `docker network ls`. */
export const labelFilter = {
  managed: `label=${label.mark}=true`,
  instance: (instance: string) => `label=${label.instance}=${instance}`,
  run: (runId: string) => `label=${label.runId}=${runId}`,
  agent: (agent: string) => `label=${label.agent}=${agent}`,
  attempt: (attempt: number) => `label=${label.attempt}=${attempt}`,
  role: (role: OwnedRole | 'agent') => `label=${label.role}=${role}`,
} as const;

/** The run that owns a resource beside its agents, such as a network or a proxy. */
export interface RunOwner {
  readonly instance: string;
  readonly runId: string;
}

/**
 * The resources of a run beside its agents. A `repository` is the volume that clones are made from, a `model-stub` the model
 * of agents that `agent-flow providers --check` runs.
 */
export type OwnedRole =
  | 'network'
  | 'proxy'
  | 'broker'
  | 'model-stub'
  | 'helper'
  | 'check'
  | 'workspace'
  | 'bundle'
  | 'repository'
  | 'reservation';

export const ownedLabels = ({ instance, runId }: RunOwner, role: OwnedRole) => ({
  [label.mark]: 'true',
  [label.instance]: instance,
  [label.runId]: runId,
  [label.role]: role,
});

export const isOwned = (labels: Readonly<Record<string, string>>, { instance, runId }: RunOwner) =>
  labels[label.instance] === instance && labels[label.runId] === runId;

export const labelFlags = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels).map(([key, value]) => `--label=${key}=${value}`);
