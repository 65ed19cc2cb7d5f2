import type { StepInput } from '../../machines/agent-types.ts';
import { collect } from './collect.ts';
import { collectOutput } from './collect-output.ts';
import type { ActorContext } from './context.ts';
import { keepConversation } from './keep-conversation.ts';
import { saveWork } from './save-work.ts';

/** Keep the transcript and the output of an attempt, and save its work also if they cannot be read. */
export async function collectAndSave(context: ActorContext, input: StepInput, signal: AbortSignal) {
  const read = await collect(context, input, signal)
    .then(({ record }) => collectOutput(context, input, record, signal))
    .then(async read => {
      await keepConversation(context, input, read.record, signal);
      return read;
    })
    .catch((error: unknown) => ({ error }));
  // Last: files of a container cannot be read any more once the clone that it mounts is moved.
  if (!signal.aborted) await saveWork(context, input, signal);
  if ('error' in read) throw read.error;
  return read;
}
