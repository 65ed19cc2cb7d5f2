import * as z from 'zod';
import { type EngineAddress, engineAddress } from '../docker/engine-address.ts';
import { FlowError } from '../errors.ts';
import { escapeControl } from '../spec/escape-control.ts';
import { agentName } from '../spec/names.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { planSchema } from '../spec/plan-schema.ts';
import type { RunFolder } from './state-directory.ts';
import { readFile } from './state-files.ts';
import { writeFileAtomic } from './write-file-atomic.ts';

/** The engine that a run began on: its containers are there and nowhere else. */
export interface RunEngine {
  readonly id: string;
  /** The name of its machine; null where it does not say. */
  readonly hostName: string | null;
  readonly address: EngineAddress;
}

/** What a run was asked for, as `run.json` keeps it. */
export interface RunFile {
  readonly engine: RunEngine;
  readonly plan: FlowPlan;
  /** Random, of this run alone: end records are signed with it. */
  readonly secret: string;
  /** Of agents whose record was lost, by name: what their containers were made with. */
  readonly adopted?: Readonly<Record<string, AdoptedIdentity>> | undefined;
  /** The commits that repositories were at when the run began, by their roots: there clones start. */
  readonly commits?: Readonly<Record<string, string>> | undefined;
}

/** What we would otherwise know from the plan and the secret. */
export interface AdoptedIdentity {
  readonly nonce: string;
  readonly specHash: string;
}

/** Validate it like a spec: a forged record would decide what the next engine process starts. */
const stored = z.strictObject({
  version: z.literal(1),
  runId: z.string(),
  secret: z.string().regex(/^[0-9a-f]{32}$/),
  engine: z.strictObject({
    id: z.string().min(1),
    hostName: z.string().nullable(),
    address: engineAddress,
  }),
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
});

export function writeRunFile(folder: RunFolder, { plan, secret, engine, adopted, commits }: RunFile): void {
  const content = { version: 1, runId: folder.runId, secret, engine, adopted, commits, plan };
  writeFileAtomic(folder.runFile, `${JSON.stringify(content, null, 2)}\n`);
}

export function readRunFile(folder: RunFolder): RunFile {
  try {
    const written = JSON.parse(readFile(folder.runFile).toString());
    const { runId, secret, engine, adopted, commits } = stored.parse(written);
    if (runId !== folder.runId) throw new Error(`it is of the run ${escapeControl(runId)}`);
    // Return it as written: the hash of an agent's plan goes by the order of its keys.
    return { plan: written.plan as FlowPlan, secret, engine, adopted, commits };
  } catch (error) {
    throw new FlowError(
      `${folder.runFile} cannot be read: ${reasonOf(error)}. Move ${folder.path} away; agent-flow cleanup then removes what is left of the run`,
      2,
    );
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof z.ZodError)) return (error as Error).message;
  const [first] = error.issues;
  if (first?.path[0] === 'version') return 'it is of another version';
  return `${escapeControl(first?.path.join('.') || 'the file')} is not valid: ${escapeControl(first?.message ?? '')}`;
}
