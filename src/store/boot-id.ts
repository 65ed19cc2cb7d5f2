import { readFileSync } from 'node:fs';

/** Read the id of the kernel's present boot, which is random and which no other machine has; empty where there is no /proc. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
