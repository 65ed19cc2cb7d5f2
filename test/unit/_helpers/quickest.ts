/**
 * Return the milliseconds of the quickest of several runs, to be compared within one process only. A busy machine interrupts a
 * long run, which is not counted.
 */
export const quickest = (work: () => unknown) =>
  Math.min(
    ...Array.from({ length: 15 }, () => {
      const began = performance.now();
      const before = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(before);
      const elapsed = performance.now() - began;
      const used = (user + system) / 1000;
      // Below a millisecond, the time of the processor is too coarse.
      return used >= 1 ? Math.min(used, elapsed) : elapsed;
    }),
  );
