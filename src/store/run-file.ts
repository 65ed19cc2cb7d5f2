import * as z from 'zod';
import { type EngineAddress, engineAddress } from '../docker/engine-address.ts';
import { FlowError } from '../errors.ts';
import { escapeControl } from '../spec/escape-control.ts';
import { type ReusedWork, reusedWork } from '../spec/event-values.ts';
import { agentName, contextName, runIdPattern } from '../spec/names.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { planSchema } from '../spec/plan-schema.ts';
import type { RunFolder } from './state-directory.ts';
import { readFile } from './state-files.ts';
import { writeFileAtomic } from './write-file-atomic.ts';

/** An engine that a run was started on, which has the containers of its agents. */
export interface RunEngine {
  readonly id: string;
  /** The host name that the engine reports; null if it reports none. */
  readonly hostName: string | null;
  readonly address: EngineAddress;
}

/** A host of a run: an engine, and what agents are placed on it by. */
export interface RunHost {
  /** Names of docker contexts; null is the engine of the run. */
  readonly names: readonly (string | null)[];
  readonly engine: RunEngine;
  /** The engine has other files than this machine: clones are in volumes. */
  readonly hasOtherFiles?: boolean | undefined;
}

/** The request for a run, as stored in `run.json`. */
export interface RunFile {
  readonly hosts: readonly RunHost[];
  readonly plan: FlowPlan;
  /** Random, one per run: end records are signed with it. */
  readonly secret: string;
  /** By name of an agent whose record was lost: the identity that its container was created with. */
  readonly adopted?: Readonly<Record<string, AdoptedIdentity>> | undefined;
  /** By root of a repository: its commit when the run began, at which clones start. */
  readonly commits?: Readonly<Record<string, string>> | undefined;
  /** Present if this run repeats another one. */
  readonly rerun?: Rerun | undefined;
}

/** The run that another one repeats. */
export interface Rerun {
  readonly of: string;
  /** By name: the agents that are not started, since they have succeeded before. */
  readonly reused: Readonly<Record<string, ReusedWork>>;
}

/** The values that are otherwise derived from the plan and the secret. */
export interface AdoptedIdentity {
  readonly nonce: string;
  readonly specHash: string;
}

/** Strict as for a spec: a forged record would decide what the next supervisor starts. */
const stored = z.strictObject({
  version: z.literal(1),
  runId: z.string(),
  secret: z.string().regex(/^[0-9a-f]{32}$/),
  hosts: z
    .array(
      z.strictObject({
        names: z.array(z.string().regex(contextName).nullable()).min(1),
        engine: z.strictObject({
          id: z.string().min(1),
          hostName: z.string().nullable(),
          address: engineAddress,
        }),
        hasOtherFiles: z.boolean().exactOptional(),
      }),
    )
    .min(1),
  plan: planSchema,
  adopted: z
    .record(
      z.string().regex(agentName),
      z.strictObject({
        nonce: z.string().regex(/^[a-z0-9-]{1,64}$/),
        specHash: z.string().regex(/^[0-9a-f]{32}$/),
      }),
    )
    .exactOptional(),
  commits: z.record(z.string().startsWith('/'), z.string().regex(/^[0-9a-f]{40,64}$/)).exactOptional(),
  rerun: z
    .strictObject({
      of: z.string().regex(runIdPattern),
      reused: z.record(z.string().regex(agentName), reusedWork),
    })
    .exactOptional(),
});

export function writeRunFile(
  folder: RunFolder,
  { plan, secret, hosts, adopted, commits, rerun }: RunFile,
): void {
  const content = { version: 1, runId: folder.runId, secret, hosts, adopted, commits, rerun, plan };
  writeFileAtomic(folder.runFile, `${JSON.stringify(content, null, 2)}\n`);
}

/** Read and validate `run.json`. Throws a `FlowError` with one line that names the first invalid field. */
export function readRunFile(folder: RunFolder): RunFile {
  try {
    const written = JSON.parse(readFile(folder.runFile).toString());
    const { runId, secret, hosts, adopted, commits, rerun } = stored.parse(written);
    if (runId !== folder.runId) throw new Error(`it belongs to the run ${escapeControl(runId)}`);
    // Return the plan as written: the hash of an agent's plan depends on the order of its keys.
    const plan = written.plan as FlowPlan;
    const known = hosts.flatMap(({ names }) => names);
    const unplaced = plan.agents.find(({ placement }) => !known.includes(placement?.host ?? null));
    if (unplaced) throw new Error(`the host of ${escapeControl(unplaced.name)} is not recorded`);
    return { plan, secret, hosts, adopted, commits, rerun };
  } catch (error) {
    throw new FlowError(
      `${folder.runFile} cannot be read: ${reasonOf(error)}. Move ${folder.path} away; agent-flow cleanup then removes what is left of the run`,
      2,
    );
  }
}

function reasonOf(error: unknown): string {
  // V8's message quotes the text, control characters included.
  if (error instanceof SyntaxError) return 'it is not valid JSON';
  if (!(error instanceof z.ZodError)) return (error as Error).message;
  const [first] = error.issues;
  if (first?.path[0] === 'version') return 'it has an unsupported version';
  return `${escapeControl(first?.path.join('.') || 'the file')} is not valid: ${escapeControl(first?.message ?? '')}`;
}
