import { readFileSync } from 'node:fs';

/** Return the random id of the kernel's current boot, unique to this machine; empty on systems without /proc. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
