import { mkdirSync, rmdirSync } from 'node:fs';

/** Run work while no other process that takes the same lock does. */
export function withLock<T>(file: string, work: () => T): T {
  for (let tries = 0; tries < 500; tries++) {
    try {
      mkdirSync(file);
      break;
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
  try {
    return work();
  } finally {
    rmdirSync(file);
  }
}
