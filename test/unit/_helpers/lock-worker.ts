// lock-worker LOCK COUNT-FILE TIMES increments a count in a file under a lock that other processes use too. If TIMES is
// `hold`, it takes the lock, prints `held`, and keeps the lock.
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { withLock } from '../../../src/agent-cli/lock.ts';

const [lock = '', file = '', times = ''] = process.argv.slice(2);
const pause = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

if (times === 'hold')
  withLock(
    lock,
    () => {
      writeSync(1, 'held\n');
      pause(600_000);
    },
    5_000,
  );
for (let i = 0; i < Number(times); i++)
  withLock(
    lock,
    () => {
      const count = Number(readFileSync(file, 'utf8'));
      pause(1);
      writeFileSync(file, String(count + 1));
    },
    60_000,
  );
