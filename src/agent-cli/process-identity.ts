import { readFileSync } from 'node:fs';

/** Return `PID.START`: pids are used again, so the start of the process, in ticks since the boot, belongs to it. */
export const ownProcess = () => `${process.pid}.${statOf(process.pid)?.start ?? ''}`;

/** Return whether the process that a text begins with lives. In doubt it does. */
export function isLiving(identity: string): boolean {
  const [, pid, start] = /^(\d+)\.(\d*)/.exec(identity) ?? [];
  if (pid === undefined) return true;
  const found = statOf(Number(pid));
  // Where /proc hides the processes of others, or is missing, a signal still finds them.
  if (found === null || start === '') return canBeSignalled(Number(pid));
  return found.start === start && !['Z', 'X'].includes(found.state);
}

/** Parse /proc/PID/stat. The program's name, in parentheses, may contain anything. */
function statOf(pid: number): { state: string; start: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0]!, start: fields[19]! };
  } catch {
    return null;
  }
}

function canBeSignalled(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
