/** Every label that is set or read. Anybody can set labels: only a resource with our instance id is ours (I3). */
export const label = {
  /** The five labels of the documented setup by hand. */
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
  /** The agent and attempt that a helper works for; it has no `agent` label, since it is not one. */
  helps: 'tmux-agents.helps',
  /** On images: the version of the in-container commands, and the hash of the build's content. */
  protocol: 'tmux-agents.protocol',
  content: 'tmux-agents.content',
  /** On images of ours, their kind: `base`, `gpu`, `layer`, `build`, `proxy` or `provider`. Containers inherit it. */
  image: 'tmux-agents.image',
} as const;

/** Filters of `docker ps` and `docker network ls`. */
export const labelFilter = {
  managed: `label=${label.mark}=true`,
  instance: (instance: string) => `label=${label.instance}=${instance}`,
  run: (runId: string) => `label=${label.runId}=${runId}`,
  agent: (agent: string) => `label=${label.agent}=${agent}`,
  attempt: (attempt: number) => `label=${label.attempt}=${attempt}`,
} as const;

/** The version of the in-container commands that this release uses. */
export const protocol = '1';

export const sessionName = 'agent';

export const containerName = (runId: string, agent: string, attempt: number) =>
  `${containerNamePrefix(runId, agent)}${attempt}`;

/** Return the beginning of the names of a run's containers, or of those of one agent. */
export const containerNamePrefix = (runId: string, agent?: string) =>
  agent === undefined ? `tmux-agent-${runId}-` : `tmux-agent-${runId}-${agent}-`;

/** The owner of a resource that a run creates beside its agents, such as a network or a proxy. */
export interface Owned {
  readonly instance: string;
  readonly runId: string;
}

export const ownedLabels = ({ instance, runId }: Owned, role: 'network' | 'proxy' | 'helper') => ({
  [label.mark]: 'true',
  [label.instance]: instance,
  [label.runId]: runId,
  [label.role]: role,
});

export const isOwned = (labels: Readonly<Record<string, string>>, { instance, runId }: Owned) =>
  labels[label.instance] === instance && labels[label.runId] === runId;

export const flags = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels).map(([key, value]) => `--label=${key}=${value}`);
