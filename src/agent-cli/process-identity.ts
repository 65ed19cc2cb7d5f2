import { readFileSync } from 'node:fs';

/** Return `PID.START`, with the start of the process in ticks since the boot, since pids are reused. */
export const ownProcess = () => `${process.pid}.${statOf(process.pid)?.start ?? ''}`;

/** Return whether the process whose identity begins the text is alive; true in doubt. */
export function isLiving(identity: string): boolean {
  const [, pid, start] = /^(\d+)\.(\d*)/.exec(identity) ?? [];
  if (pid === undefined) return true;
  const found = statOf(Number(pid));
  // If /proc is missing, or hides the processes of other users, a signal still finds them.
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
