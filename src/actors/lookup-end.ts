import type { End } from '../../machines/outcome.ts';
import type { ActorContext } from './context.ts';

/** Milliseconds; a busy engine takes a moment. */
const timeoutMs = 2_000;
/** Most often the event is on its way, and costs nothing. */
const askAfterMs = 300;

/**
 * The end of a container that a command has found gone; null where it is not known by then. Docker is asked for it where
 * no event comes: the stream may be silent.
 */
export async function findEnd(
  { watcher }: Pick<ActorContext, 'watcher'>,
  id: string,
  signal: AbortSignal,
): Promise<End | null> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const ended = watcher.ended(id, over).catch(() => null);
  const asking = setTimeout(() => watcher.checkNow(), askAfterMs);
  return ended.finally(() => clearTimeout(asking));
}
