/** Measure this process while it runs: the CPU between two turns of the event loop, and the largest heap. */
export function measureTurns() {
  let longest = 0;
  let largestHeap = 0;
  let before = process.cpuUsage();
  const turn = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    longest = Math.max(longest, (user + system) / 1_000);
  }, 5);
  const heap = setInterval(() => {
    largestHeap = Math.max(largestHeap, process.memoryUsage().heapUsed);
  }, 200);
  return {
    /** Milliseconds of CPU, with that of other threads. */
    longestMs: () => longest,
    /** Bytes. */
    largestHeap: () => largestHeap,
    stop() {
      clearInterval(turn);
      clearInterval(heap);
    },
  };
}
