import type { End } from '../../machines/outcome.ts';
import type { World } from './world.ts';

/** What Docker tells of an end at once; a busy engine takes a moment. Milliseconds. */
const patience = 2_000;

/** The end of a container that a command has found gone; null where nothing is told of it yet. */
export const toldEnd = ({ watcher }: World, id: string, signal: AbortSignal): Promise<End | null> =>
  watcher.ended(id, AbortSignal.any([signal, AbortSignal.timeout(patience)])).catch(() => null);
