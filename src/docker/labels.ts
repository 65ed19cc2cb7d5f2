/** Every label that we set or read. Labels are claims from outside: only one with our instance id is ours. */
export const label = {
  /** The seed's five. */
  mark: 'tmux-agents',
  agentId: 'tmux-agents.agent-id',
  sessionName: 'tmux-agents.session-name',
  provider: 'tmux-agents.ai-provider',
  createdAt: 'tmux-agents.created-at',
  /** Random, one a state directory. */
  instance: 'tmux-agents.instance',
  runId: 'tmux-agents.run-id',
  agent: 'tmux-agents.agent',
  attempt: 'tmux-agents.attempt',
  specHash: 'tmux-agents.spec-hash',
  role: 'tmux-agents.role',
  /** The key that opens the attempt's sealed secrets; it exists nowhere else. */
  seal: 'tmux-agents.seal',
  /** Of a helper: for which agent and attempt. It has no `agent` label, for it is none. */
  helps: 'tmux-agents.helps',
  /** On images: the in-container commands they speak, and the content they were built from. */
  protocol: 'tmux-agents.protocol',
  content: 'tmux-agents.content',
  /** On images that we made, what for: `base`, `gpu`, `layer`, `build`, `proxy` or `provider`. Containers inherit it. */
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

/** The version of the in-container commands that this engine drives. */
export const protocol = '1';

export const sessionName = 'agent';

export const containerName = (runId: string, agent: string, attempt: number) =>
  `tmux-agent-${runId}-${agent}-${attempt}`;

/** Whose something is that a run has made beside its agents, such as a network or a proxy. */
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
