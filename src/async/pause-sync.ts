/** Block this thread for a number of milliseconds: for code that cannot await. */
export const pauseSync = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
