import type { End } from '../../machines/outcome.ts';
import type { ActorContext } from './context.ts';

/** Milliseconds; a busy engine takes a moment. */
const timeoutMs = 2_000;
/** The event usually arrives within this time, and no call is needed. */
const lookupAfterMs = 300;

/**
 * Return the end of a container that a command found gone; null if it is not known in time. If no event arrives, since the
 * stream may be silent, the containers are listed.
 */
export async function findEnd(
  { watcher }: Pick<ActorContext, 'watcher'>,
  id: string,
  signal: AbortSignal,
): Promise<End | null> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const ended = watcher.ended(id, over).catch(() => null);
  const lookup = setTimeout(() => watcher.checkNow(), lookupAfterMs);
  return ended.finally(() => clearTimeout(lookup));
}
