/** What one agent of a flow will be run as: the spec with every default applied, nothing left to decide. */
export interface AgentPlan {
  readonly name: string;
  readonly dependsOn: readonly string[];
  /** What the seed's `tmux-agents.ai-provider` label says; `command` where there is no AI provider. */
  readonly provider: string;
  readonly command: readonly string[];
  /** What the command reads: the terminal that a person sees, or its prompt. */
  readonly stdin: 'terminal' | 'prompt';
  /** Of an interactive AI CLI, how somebody in the container sits before its screen; null: nobody does. */
  readonly attended: InteractivePlan | null;
  /** How what it prints is read; null: it is shown as it is. */
  readonly report: ReportPlan | null;
  /** Files under the agent's home that are written before it starts. */
  readonly settings: readonly SettingsPlan[];
  /** The text the agent finds in the file that `$AGENT_PROMPT_FILE` names; null for none. */
  readonly prompt: string | null;
  /** null with a `build` too: a base image that the package brings, with CUDA where there are `gpus`. */
  readonly image: string | null;
  /** How the image is built, in place of `image`. */
  readonly build: BuildPlan | null;
  /** null: who the image says. */
  readonly user: UserPlan | null;
  /** null: none. */
  readonly gpus: GpuPlan | null;
  readonly workspace: WorkspacePlan;
  /** What is taken out of the workspace when the agent is over. */
  readonly artifacts: readonly ArtifactPlan[];
  readonly network: NetworkPlan;
  readonly mounts: readonly MountPlan[];
  readonly auth: AuthPlan;
  readonly env: Readonly<Record<string, string>>;
  /** Their values are in no plan, and on no disk. */
  readonly secrets: readonly SecretPlan[];
  readonly security: SecurityPlan;
  readonly labels: Readonly<Record<string, string>>;
  /** Bytes. */
  readonly memory: number;
  /** null: the seed's 2, or what the engine has where that is less. */
  readonly cpus: number | null;
  readonly timeouts: Timeouts;
  /** How many further attempts may follow the first. */
  readonly retries: number;
  readonly keep: 'never' | 'on-failure' | 'always';
  /** What is meant to end the work. Whatever it is, the command's exit and `agent-done` do, whichever comes first. */
  readonly done: 'exit' | 'signal' | { readonly idle: number } | { readonly file: string };
}

export interface BuildPlan {
  /** Absolute path of an existing directory of the host, symbolic links resolved. */
  readonly context: string;
  /** Relative to the context. */
  readonly dockerfile: string;
  readonly args: Readonly<Record<string, string>>;
  /** null: the last stage. */
  readonly target: string | null;
}

/** All, so many, or those of these indices or ids. */
export type GpuPlan = 'all' | number | { readonly device: readonly string[] };

export interface UserPlan {
  readonly uid: number;
  readonly gid: number;
}

export interface MountPlan {
  /** Absolute path of an existing file or directory of the host, symbolic links resolved. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** For `agent-interactive`. */
export interface InteractivePlan {
  /** Its screen when it takes a prompt, as a regular expression. */
  readonly ready: string;
  /** Its screen when it asks for something, likewise. */
  readonly dialogs: readonly { readonly title: string; readonly pattern: string }[];
  readonly needsInput: NeedsInput;
  /** How long its screen may stand still while it has something to do, in milliseconds; null: for ever. */
  readonly quiet: number | null;
  /** Variables that it gets under another name, where they are there. */
  readonly renamed: Readonly<Record<string, string>>;
}

/** What becomes of an agent that asks for somebody: people are told, it fails, or it is typed an answer. */
export type NeedsInput = 'notify' | 'fail' | { readonly answer: string };

/** See `agent-report`: the format of the JSON lines, and regular expressions of what they say of a failure. */
export interface ReportPlan {
  readonly format: string;
  readonly login: string;
  readonly quota: string;
  readonly usage?: false;
  readonly words?: { readonly asks: string | null; readonly waits: string | null };
  readonly budget?: BudgetPlan;
}

export interface BudgetPlan {
  readonly turns?: number;
  readonly outputTokens?: number;
  /** Milliseconds. */
  readonly wall?: number;
}

export interface SettingsPlan {
  /** Relative to the agent's home; JSON, merged into what is there. */
  readonly file: string;
  readonly json: object;
}

/** What the agent is given of the caller's logins. */
export interface AuthPlan {
  readonly files: readonly AuthFile[];
  /** Absolute path of the socket of the caller's ssh-agent; null: it gets none. */
  readonly sshAgent: string | null;
  /** The spec gives an AI CLI no login of the caller's: it has one of its own, or needs none. */
  readonly login?: false;
}

export interface AuthFile {
  /** Absolute path of an existing file or directory of the host, symbolic links resolved. */
  readonly source: string;
  /** Where the agent finds it, relative to its home. */
  readonly home: string;
  /** It gets a copy that is its own: it writes to it, or has to own it. */
  readonly isCopied: boolean;
}

export interface SecretPlan {
  /** Of the environment variable in which the agent finds it. */
  readonly name: string;
  /** Absolute path of the file that holds it; null: it is in our own environment. */
  readonly file: string | null;
  /** What it is called there, where that is another name. */
  readonly from?: string;
}

export interface SecurityPlan {
  /** Beside those that every agent has. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  /** How many processes and threads at once. */
  readonly pids: number;
  /** Bytes of output that Docker keeps. */
  readonly log: number;
}

/** Paths are absolute, of existing directories of the host, symbolic links resolved. */
export type WorkspacePlan =
  | { readonly mode: 'bind'; readonly path: string }
  | ClonePlan
  | { readonly mode: 'copy'; readonly path: string }
  | { readonly mode: 'none' };

export interface ClonePlan {
  readonly mode: 'clone';
  /** Where the agent works: the repository, or a directory in it. */
  readonly path: string;
  /** The root of the work tree that is cloned. */
  readonly repository: string;
  /** The agent whose work it starts from; null: from the repository as it is when the run begins. */
  readonly from: string | null;
}

export interface ArtifactPlan {
  /** Relative to the workspace. */
  readonly path: string;
  /** Bytes; null where only the limit of all of them holds. */
  readonly maxSize: number | null;
}

export type NetworkPlan =
  | { readonly mode: 'bridge'; readonly name: string }
  | { readonly mode: 'isolated' }
  /** Sorted, each once. */
  | { readonly mode: 'allow'; readonly hosts: readonly string[] }
  | { readonly mode: 'none' };

/** Milliseconds; null where there is no limit. */
export interface Timeouts {
  readonly build: number;
  readonly ready: number;
  readonly run: number | null;
  readonly idle: number | null;
  readonly quiet: number | null;
  readonly stop: number;
}

export interface FlowPlan {
  readonly name: string;
  /** null: what the engine's memory and CPUs hold. */
  readonly concurrency: number | null;
  /** In the order of the spec. */
  readonly agents: readonly AgentPlan[];
}
