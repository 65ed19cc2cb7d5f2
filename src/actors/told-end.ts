import type { End } from '../../machines/outcome.ts';
import type { World } from './world.ts';

/** Milliseconds; a busy engine takes a moment. */
const patience = 2_000;

/**
 * The end of a container that a command has found gone; null where nothing is told of it by then. Docker is asked for
 * it: its events may have been silent.
 */
export async function toldEnd(
  { watcher }: Pick<World, 'watcher'>,
  id: string,
  signal: AbortSignal,
): Promise<End | null> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  const ended = watcher.ended(id, over).catch(() => null);
  watcher.answers(over).catch(() => {});
  return ended;
}
