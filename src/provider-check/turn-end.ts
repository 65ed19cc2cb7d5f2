import type { RunResult } from '../state/result-schema.ts';
import type { StubObservation } from './model-server.ts';

/** The end of a turn, and what the stub has seen of it. */
export interface TurnEnd {
  readonly agent: RunResult['agents'][string];
  readonly seen: readonly StubObservation[];
  /** The last lines of its output, as plain text. */
  readonly lines: readonly string[];
}

/** Kinds of failure that are not those of the CLI. */
const infrastructure = new Set([
  ...['tmuxLost', 'injectTimeout', 'infrastructure', 'hostLost', 'image', 'gpu', 'workspace', 'network'],
  ...['outOfResources', 'nameConflict', 'missingSecret', 'docker', 'unreachable', 'transient', 'internal'],
]);

/** Return why Docker, and not the CLI, has failed; null if it has not. */
export const infrastructureFailure = ({ agent: { error } }: TurnEnd): string | null =>
  error !== null && infrastructure.has(error.kind) ? error.message : null;

/** Describe how an agent has failed: its exit code and its last line say more than the failure of the run. */
export function failureOf({ agent: { error, exitCode }, lines }: TurnEnd): string {
  if (error === null) return 'it was stopped';
  const last = lines.findLast(line => line.trim() !== '' && !line.startsWith('$ '));
  if (error.kind !== 'exit') return error.message;
  return `exit ${exitCode ?? 'unknown'}${last === undefined ? '' : `: ${last.trim().slice(0, 200)}`}`;
}

/** Return whether the stub has seen this in the turn. */
export const sees = ({ seen }: TurnEnd, event: string, nonce?: string): boolean =>
  seen.some(entry => entry.event === event && (nonce === undefined || entry.nonce === nonce));
