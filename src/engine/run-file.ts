import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { FlowError } from '../errors.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { type RunFolder, writeWhole } from './state-dir.ts';

/** What a run was asked for, as `run.json` keeps it. */
export interface RunFile {
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

/** Written by ourselves, into a folder that is ours alone: the plan is as it was resolved. */
const stored = z.object({
  version: z.literal(1),
  secret: z.string(),
  plan: z.looseObject({ agents: z.array(z.looseObject({ name: z.string() })) }),
  adopted: z.record(z.string(), z.object({ nonce: z.string(), specHash: z.string() })).optional(),
  commits: z.record(z.string(), z.string().regex(/^[0-9a-f]{40,64}$/)).optional(),
});

export function writeRunFile(folder: RunFolder, { plan, secret, adopted, commits }: RunFile): void {
  const content = { version: 1, runId: folder.runId, secret, adopted, commits, plan };
  writeWhole(folder.runFile, `${JSON.stringify(content, null, 2)}\n`);
}

export function readRunFile(folder: RunFolder): RunFile {
  try {
    const { plan, secret, adopted, commits } = stored.parse(JSON.parse(readFileSync(folder.runFile, 'utf8')));
    return { plan: plan as unknown as FlowPlan, secret, adopted, commits };
  } catch (error) {
    const reason = error instanceof z.ZodError ? 'it is of another version' : (error as Error).message;
    throw new FlowError(
      `${folder.runFile} cannot be read: ${reason}. agent-flow stop ${folder.runId} removes what is left of the run`,
      2,
    );
  }
}
