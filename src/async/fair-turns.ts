/**
 * Return a function whose promise resolves in a later turn of the event loop, for at most `maxCallers` callers in each
 * turn. Thousands of callers that begin work at once then do not block timers, signals and sockets.
 */
export function fairTurns(maxCallers: number): () => Promise<void> {
  const waiting: (() => void)[] = [];
  const release = () => {
    for (const resolve of waiting.splice(0, maxCallers)) resolve();
    if (waiting.length > 0) setImmediate(release);
  };
  return () =>
    new Promise(resolve => {
      if (waiting.push(resolve) === 1) setImmediate(release);
    });
}
