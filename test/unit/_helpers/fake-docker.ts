import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';

/** Put a `docker` first on PATH that runs this shell script. It appends ids of processes that a test checks to `$here/pid`. */
export function fakeDocker(t: ExecutionContext, script: string) {
  const here = mkdtempSync(join(tmpdir(), 'agent-flow-docker-'));
  writeFileSync(join(here, 'docker'), `#!/bin/sh\nhere='${here}'\n${script}\n`, { mode: 0o755 });
  const before = process.env.PATH;
  process.env.PATH = `${here}${delimiter}${before}`;
  const pids = () => {
    try {
      return readFileSync(join(here, 'pid'), 'utf8').split('\n').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  };
  t.teardown(() => {
    process.env.PATH = before;
    for (const pid of pids()) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    rmSync(here, { recursive: true });
  });
  return { here, pid: () => pids().at(-1) ?? 0 };
}

export function isAlive(pid: number): boolean {
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

export async function until(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 600 && !condition(); tries++) await delay(50);
  return condition();
}
