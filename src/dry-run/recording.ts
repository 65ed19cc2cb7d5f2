import { createHash } from 'node:crypto';
import type { Docker, DockerOptions, DockerResult } from '../docker/cli.ts';

/** A docker command that a run would make. */
export interface Step {
  /** null: for all agents. */
  readonly agent: string | null;
  /** Default: docker. The others are what the host itself does for a workspace. */
  readonly program?: 'cp' | 'mkdir';
  /** Arguments of the program. A word that `DryRun.names` has stands for the output of an earlier step. */
  readonly args: readonly string[];
  /** The directory that its output, a tar stream, is unpacked in. */
  readonly unpacks?: string;
  readonly input?: string;
  /** The name by which later steps refer to its output. */
  readonly prints?: string;
  /** The output without which the flow cannot continue. */
  readonly expects?: string;
  /** The container whose end excuses a failure: an agent may end before the command that started it does. */
  readonly endsFor?: string;
}

/** A container or network that a recorded command has created. */
export interface Created {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isInternal?: boolean;
  /** The driver of a network. */
  readonly driver?: string;
  /** Names of the networks of a container. */
  readonly networks: string[];
  /** The image of a container. */
  readonly image?: string;
}

export interface Recording {
  readonly steps: Step[];
  readonly names: Map<string, string>;
  /** Serves the calls that only read; null without an engine. */
  readonly real: Docker | null;
  readonly images: Map<string, { readonly id: string; readonly labels: Record<string, string> }>;
  readonly networks: Map<string, Created>;
  readonly containers: Map<string, Created>;
}

export interface Call {
  readonly args: readonly string[];
  readonly options: DockerOptions;
  /** Its last argument. */
  readonly last: string;
}

export function record(steps: Step[], { args, options }: Call, more: Partial<Step> = {}): void {
  const { scope, input } = options;
  const read = input === undefined ? {} : { input: String(input) };
  steps.push({ agent: scope?.agent ?? null, args, ...read, ...more });
}

/** Return an id that looks like one of docker's and stands for a name. */
export function inventId(names: Map<string, string>, name: string): string {
  const id = createHash('sha256').update(name).digest('hex');
  names.set(id, name);
  return id;
}

export const succeed = ({ args }: Call, stdout = ''): DockerResult => ({
  ...{ args, ok: true, exitCode: 0, stdout, stderr: '', interrupted: null },
});

export const failure = ({ args }: Call, stderr: string): DockerResult => ({
  ...{ args, ok: false, exitCode: 1, stdout: '', stderr, interrupted: null },
});
