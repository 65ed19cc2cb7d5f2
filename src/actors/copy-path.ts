import type { StepInput } from '../../machines/agent-types.ts';
import { dockerError } from '../docker/classify-error.ts';
import { matchesMessage } from '../docker/messages.ts';
import { readOutput } from '../docker/stream.ts';
import { type ActorContext, owner } from './context.ts';

/**
 * Copy a path of the ended container as a tar stream, in which a link is a link; null if the path does not exist. A longer
 * stream is cut off after `maxBytes`. `timeout` in milliseconds; `operation` is what fails, as text for the user.
 */
export async function copyPath(
  { recorder }: Pick<ActorContext, 'recorder'>,
  input: StepInput,
  {
    path,
    maxBytes,
    timeout,
    operation,
  }: {
    readonly path: string;
    readonly maxBytes: number;
    readonly timeout: number;
    readonly operation: string;
  },
  signal: AbortSignal,
): Promise<{ readonly tar: Buffer; readonly isCut: boolean } | null> {
  const args = ['cp', `${input.containerId}:${path}`, '-'];
  const result = await readOutput(recorder, args, maxBytes, { signal, scope: owner(input), timeout });
  const isCut = result.interrupted === 'overflow';
  if (result.ok || isCut) return { tar: Buffer.from(result.stdout, 'latin1'), isCut };
  if (matchesMessage('noPath', result.stderr)) return null;
  throw dockerError({ ...result, args }, { operation });
}
