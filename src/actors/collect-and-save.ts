import type { StepInput } from '../../machines/agent-types.ts';
import { collect } from './collect.ts';
import type { ActorContext } from './context.ts';
import { saveWork } from './save-work.ts';

/** Keep the transcript of an attempt, and save its work also if the transcript cannot be read. */
export async function collectAndSave(context: ActorContext, input: StepInput, signal: AbortSignal) {
  const read = await collect(context, input, signal).catch((error: unknown) => ({ error }));
  if (!signal.aborted) await saveWork(context, input, signal);
  if ('error' in read) throw read.error;
  return read;
}
