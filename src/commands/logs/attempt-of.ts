import { lockHolder } from '../../engine/lock.ts';
import { type Redactor, redactor } from '../../engine/redact.ts';
import { readRunFile } from '../../engine/run-file.ts';
import type { RunFolder } from '../../engine/state-dir.ts';
import { vaultOf } from '../../engine/vault.ts';
import type { FoundAgent } from '../find-agent.ts';

/** What has to be known of a run to read what its agents print. */

export function secretsIn(folder: RunFolder): Redactor {
  try {
    return vaultOf(readRunFile(folder).plan, process.env).redactor;
  } catch {
    // Of a run whose record is damaged nobody knows what they were.
    return redactor([]);
  }
}

/** Nothing more can come of this attempt, and whether another follows is known. */
export const isSettled = ({ folder, agent }: FoundAgent, attempt: number) =>
  agent.status !== null || agent.attempt > attempt || lockHolder(folder.lock) === null;
