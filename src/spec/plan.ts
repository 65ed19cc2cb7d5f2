import type { Provider } from '../providers/provider.ts';
import type { ApprovalPlan } from './approval-plan.ts';
import type { CheckPlan } from './check-plan.ts';
import type { ControlPlan } from './control-plan.ts';
import type { ConversationPlan } from './conversation-plan.ts';
import type { CustomizationPlan, SettingsPlan } from './customization-plan.ts';
import type { ForEachPlan } from './for-each-plan.ts';
import type { ReceiverPlan } from './notify-plan.ts';
import type { ReportPlan } from './plan-report.ts';
import type { BrokerPlan, HostSecretPlan } from './secret-plan.ts';

export type { BudgetPlan, ReportPlan } from './plan-report.ts';

/** An agent of a flow as it is run: the spec with every default applied. */
export interface AgentPlan extends CustomizationPlan, ControlPlan {
  readonly name: string;
  /** The agents that it waits for. */
  readonly dependsOn: readonly string[];
  /** Value of the label `tmux-agents.ai-provider`; `command` without an AI provider. */
  readonly provider: string;
  readonly command: readonly string[];
  /** Standard input of the command: its terminal, the prompt, or an empty one. */
  readonly stdin: 'terminal' | 'prompt' | 'empty';
  /** Configuration of the process that watches an interactive AI CLI; null without one. */
  readonly interactive: InteractivePlan | null;
  /** Configuration of the output's parser; null to show the output unchanged. */
  readonly report: ReportPlan | null;
  /** Files in the agent's home that are written before it starts. */
  readonly settings: readonly SettingsPlan[];
  /** Content of the file `$AGENT_PROMPT_FILE`; null for none. */
  readonly prompt: string | null;
  /** The output that it has to write, which others read. */
  readonly output?: OutputPlan;
  /** null, also with a `build`: the base image of the package, with CUDA if there are `gpus`. */
  readonly image: string | null;
  /** Build of the image, instead of `image`. */
  readonly build: BuildPlan | null;
  /** null: the user of the image. */
  readonly user: UserPlan | null;
  readonly placement?: PlacementPlan;
  /** Reaction to the loss of its engine. Default: wait for it. */
  readonly onHostLost?: 'retry' | 'fail';
  /** Milliseconds until an engine that cannot be reached counts as lost; set together with `onHostLost`. */
  readonly hostGrace?: number;
  /** null: none. */
  readonly gpus: GpuPlan | null;
  readonly workspace: WorkspacePlan;
  /** Files and directories of the workspace that are kept when the agent has ended. */
  readonly artifacts: readonly ArtifactPlan[];
  readonly network: NetworkPlan;
  readonly mounts: readonly MountPlan[];
  readonly auth: AuthPlan;
  readonly env: Readonly<Record<string, string>>;
  /** Names and sources of secrets: their values are never in a plan or on a disk. */
  readonly secrets: readonly SecretPlan[];
  readonly security: SecurityPlan;
  readonly labels: Readonly<Record<string, string>>;
  /** Bytes. */
  readonly memory: number;
  /** null: 2, or all CPUs of the engine if it has fewer. */
  readonly cpus: number | null;
  readonly timeouts: Timeouts;
  /** Maximum number of attempts after the first. */
  readonly retries: number;
  /** Reaction of the next attempt to a failed one. Default: continue after an exhausted quota, otherwise restart. */
  readonly onRetry?: 'continue' | 'restart';
  /** The way in which it continues its conversation in another attempt. Default: it does not. */
  readonly conversation?: ConversationPlan;
  readonly keep: 'never' | 'on-failure' | 'always';
  /** Check of its saved work. Default: none. */
  readonly check?: CheckPlan;
  /** Additional end of the work. The exit of the command and `agent-done` always end it; the first one counts. */
  readonly done: 'exit' | 'signal' | { readonly idle: number } | { readonly file: string };
}

export interface OutputPlan {
  readonly schema: Readonly<Record<string, unknown>>;
}

interface PlacementPlan {
  /** The docker context of the engine that it runs on. */
  readonly host?: string;
  /** For Docker Swarm: constraints on its node. */
  readonly constraints?: readonly string[];
  /** For Docker Swarm: numbers of generic resources that are reserved for it, by kind. */
  readonly genericResources?: Readonly<Record<string, number>>;
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

/** All, a number of them, or the devices of these indices or ids. */
type GpuPlan = 'all' | number | { readonly device: readonly string[] };

export interface UserPlan {
  readonly uid: number;
  readonly gid: number;
}

interface MountPlan {
  /** Absolute path of an existing file or directory of the host, symbolic links resolved. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** true: `source` is a path of the engine's machine, as the spec has it. */
  readonly onHost?: true;
}

/** Configuration of `agent-interactive`, which watches an interactive AI CLI in its container. */
export interface InteractivePlan {
  /** Regular expression for its screen when it accepts a prompt. */
  readonly ready: string;
  /** Regular expressions for its screen when it asks for input. */
  readonly dialogs: readonly { readonly title: string; readonly pattern: string }[];
  /** Regular expression for a dialog before its first prompt whose first choice is taken. */
  readonly confirm?: string;
  readonly needsInput: NeedsInput;
  /** Maximum time without a change on its screen while it works, in milliseconds; null for no limit. */
  readonly stalled: number | null;
  /** Environment variables that it gets by another name, if they are set. */
  readonly renamed: Readonly<Record<string, string>>;
}

/** Reaction to an agent that needs input: wait for the user, fail, or type an answer. */
type NeedsInput = 'notify' | 'fail' | { readonly answer: string };

/** The logins of the caller that the agent gets. */
export interface AuthPlan {
  readonly files: readonly AuthFile[];
  /** Absolute path of the socket of the caller's ssh-agent; null for none. */
  readonly sshAgent: string | null;
  /** The login of the AI CLI itself; not set for a command. */
  readonly login?: LoginPlan;
}

/** `off`: the AI CLI has another login, or needs none. */
type LoginPlan =
  | { readonly mode: 'brokered' | 'off' }
  /** `reason`: why the broker of the run cannot hold its login; null if the spec excludes it. */
  | { readonly mode: 'direct'; readonly reason: string | null };

interface AuthFile {
  /** Absolute path of an existing file or directory of the host, symbolic links resolved. */
  readonly source: string;
  /** Path relative to the agent's home. */
  readonly home: string;
  /** Whether the agent gets a copy, since it writes to it or has to own it. */
  readonly isCopied: boolean;
}

export interface SecretPlan {
  /** Environment variable of the agent. */
  readonly name: string;
  /** Absolute path of the file with the value; null: it comes from the environment of agent-flow. */
  readonly file: string | null;
  /** The name in that environment, if it differs. */
  readonly from?: string;
  /** Present: the agent gets a placeholder, and the proxy of the run puts the value into requests to these hosts. */
  readonly byHost?: HostSecretPlan;
  /** The broker of the run has the value; the agent has a placeholder. */
  readonly broker?: BrokerPlan;
}

export interface SecurityPlan {
  /** Capabilities in addition to those that every agent has. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  /** Maximum number of processes and threads. */
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

interface ClonePlan {
  readonly mode: 'clone';
  /** The working directory: the repository, or a directory in it. */
  readonly path: string;
  /** The root of the work tree that is cloned. */
  readonly repository: string;
  /** The agent whose work it starts from; null: the repository as it is when the run starts. */
  readonly from: string | null;
}

export interface ArtifactPlan {
  /** Relative to the workspace. */
  readonly path: string;
  /** Bytes; null if only the limit of all artifacts applies. */
  readonly maxSize: number | null;
}

export type NetworkPlan =
  | { readonly mode: 'bridge'; readonly name: string }
  | { readonly mode: 'isolated' }
  /** Sorted, without duplicates. */
  | { readonly mode: 'allow'; readonly hosts: readonly string[] }
  | { readonly mode: 'none' };

/** Milliseconds; null for no limit. */
export interface Timeouts {
  readonly build: number;
  readonly ready: number;
  readonly run: number | null;
  readonly idle: number | null;
  readonly stalled: number | null;
  readonly stop: number;
}

/** The Docker engine that agents run on, or a manager of the Docker Swarm that places them. */
interface TargetPlan {
  /** Name of a docker context. */
  readonly context: string;
  readonly isSwarm?: true;
}

export interface FlowPlan {
  readonly name: string;
  /** null: as many agents as fit into the memory and CPUs of the engine. */
  readonly concurrency: number | null;
  /** US dollars that all AI CLIs of the run may cost together. Default: no limit. */
  readonly maxUsd?: number;
  /** Default: the engine that docker reaches. */
  readonly target?: TargetPlan;
  /** The providers of its agents that the package does not have. Default: none. */
  readonly providers?: readonly Provider[];
  /** In the order of the spec. */
  readonly agents: readonly AgentPlan[];
  /** Its agents that wait for the decision of the user and have no container. Default: none. */
  readonly approvals?: readonly ApprovalPlan[];
  /** Its agents that become one for each item of a list. Default: none. */
  readonly forEach?: readonly ForEachPlan[];
  /** The receivers of notifications. Default: none. */
  readonly notify?: readonly ReceiverPlan[];
}
