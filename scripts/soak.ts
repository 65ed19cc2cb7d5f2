#!/usr/bin/env -S node --expose-gc
// Run flows of twenty agents, one after another in one process: seventeen short ones, one that floods its output, one
// that hangs and one fork bomb. Fails if the memory of the process grows or anything is left behind.
//
//   scripts/soak.ts          half an hour
//   scripts/soak.ts 5        five minutes
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runFlow } from '../src/index.ts';

const minutes = Number(process.argv[2] ?? 30);
/** Ratio of later to earlier memory; more than that is not noise. */
const mostGrowth = 1.25;

const small = { workspace: { mode: 'none' }, memory: '64m', cpus: 1, security: { log: '3m' } } as const;
const sh = (script: string, more: object = {}) => ({ command: ['sh', '-c', script], ...small, ...more });
const bounded = { timeouts: { run: '20s' } };
const spec = {
  concurrency: 6,
  agents: {
    ...Object.fromEntries(
      Array.from({ length: 17 }, (_, index) => [
        `short-${index + 1}`,
        sh(`echo ${index}; exit ${index % 2}`),
      ]),
    ),
    flood: sh('yes "a line that comes again and again"', bounded),
    hanging: sh('trap "" TERM INT HUP; while :; do sleep 1; done', bounded),
    bomb: sh('bomb() { bomb | bomb & }; bomb; wait; sleep 60', {
      ...bounded,
      security: { log: '3m', pids: 64 },
    }),
  },
};

/** Megabytes, after a collection. */
function memory() {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss: Math.round(rss / 2 ** 20), heap: Math.round(heapUsed / 2 ** 20) };
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8', timeout: 60_000 });

const stateDir = mkdtempSync(join(tmpdir(), 'agent-flow-soak-'));
const seen: { readonly rss: number; readonly heap: number }[] = [];
const wrong: string[] = [];
const end = Date.now() + minutes * 60_000;
let agents = 0;
try {
  while (Date.now() < end) {
    const { status, agents: outcomes } = await runFlow(spec, { stateDir });
    const statuses = Object.groupBy(Object.values(outcomes), agent => agent.status);
    const counts = Object.entries(statuses).map(([name, list]) => `${list?.length} ${name}`);
    agents += Object.keys(outcomes).length;
    const failed = Object.entries(outcomes).filter(([name, { status, exitCode }]) => {
      if (name.startsWith('short-')) return exitCode === null;
      // The others may also fail at their own limits.
      return name === 'hanging' ? status !== 'timedOut' : status === 'succeeded';
    });
    for (const [name, { status, error }] of failed)
      wrong.push(`flow ${seen.length + 1}: ${name} ${status}: ${error?.message ?? ''}`);
    const used = memory();
    seen.push(used);
    console.log(
      `flow ${seen.length}  ${status}: ${counts.join(', ')}  rss ${used.rss} MB, heap ${used.heap} MB`,
    );
    // Only memory counts here: the runs on disk grow with the flows.
    for (const run of readdirSync(join(stateDir, 'runs')))
      rmSync(join(stateDir, 'runs', run), { recursive: true, force: true });
  }
  const instance = readFileSync(join(stateDir, 'instance'), 'utf8').trim();
  const ours = `--filter=label=tmux-agents.instance=${instance}`;
  const left = `${docker('ps', '-aq', ours)}${docker('network', 'ls', '-q', ours)}`.trim();
  if (left !== '') wrong.push(`left behind: ${left.replaceAll('\n', ' ')}`);
} finally {
  rmSync(stateDir, { recursive: true, force: true });
}
const children = execFileSync('ps', ['-o', 'args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('ps '));
if (children.length > 0) wrong.push(`children left: ${children.join('; ')}`);

// Leave out the first flow, which loads modules.
const later = seen.slice(1);
const half = later.length >> 1;
for (const what of ['rss', 'heap'] as const) {
  const [before, after] = [later.slice(0, half), later.slice(half)].map(part =>
    median(part.map(used => used[what])),
  );
  const growth = (after ?? 0) / (before || 1);
  console.log(
    `${what}  ${before} MB in the first half, ${after} MB in the second: ${growth.toFixed(2)} times`,
  );
  if (half > 0 && growth > mostGrowth) wrong.push(`${what} has grown ${growth.toFixed(2)} times`);
}
for (const line of wrong) console.log(`failed: ${line}`);
console.log(
  `${agents} agents in ${seen.length} flows, ${wrong.length === 0 ? 'nothing wrong, nothing left' : `${wrong.length} things wrong`}`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;
