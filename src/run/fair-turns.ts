/**
 * Return a function whose promise resolves in a later turn of the event loop, for at most `most` callers in each turn. Thousands
 * of agents that begin work at once then do not block timers, signals and sockets.
 */
export function fairTurns(most: number): () => Promise<void> {
  const waiting: (() => void)[] = [];
  const release = () => {
    for (const resolve of waiting.splice(0, most)) resolve();
    if (waiting.length > 0) setImmediate(release);
  };
  return () =>
    new Promise(resolve => {
      if (waiting.push(resolve) === 1) setImmediate(release);
    });
}
