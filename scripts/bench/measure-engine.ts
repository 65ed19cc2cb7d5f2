// The measured process of engine-alone.ts: run one flow, and print its measurement as a line of JSON.
import { mkdirSync, statSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent } from '../../src/events.ts';
import { lockRun } from '../../src/run/run-lock.ts';
import { superviseRun } from '../../src/run/supervise-run.ts';
import { vaultOf } from '../../src/secrets/vault.ts';
import { parseSpec } from '../../src/spec/load.ts';
import { readJournal } from '../../src/store/journal.ts';
import { readRunFile, writeRunFile } from '../../src/store/run-file.ts';
import { openStateDir } from '../../src/store/state-directory.ts';
import { instantEngine } from './instant-engine.ts';

export interface Measurement {
  readonly agents: number;
  readonly concurrency: number;
  readonly isResumed: boolean;
  readonly events: number;
  readonly cpuMsPerAgent: number;
  readonly peakRssMB: number;
  readonly heapMB: number;
  readonly journalBytesPerAgent: number;
  readonly longestDelayMs: number;
  readonly wallMs: number;
}

const [path = '', count = '', concurrency = '', resume = ''] = process.argv.slice(2);
const agents = Number(count);
const isResumed = resume === 'true';

const names = Array.from({ length: agents }, (_, index) => `agent-${index + 1}`);
/** Chains of four agents, so that dependencies are scheduled too. */
const dependsOn = (index: number) => (index % 4 === 0 ? [] : [names[index - 1]!]);
const spec = {
  name: 'bench',
  concurrency: Number(concurrency),
  agents: Object.fromEntries(
    names.map((name, index) => [
      name,
      { command: ['true'], workspace: { mode: 'none' }, memory: '64m', dependsOn: dependsOn(index) },
    ]),
  ),
};
const plan = await parseSpec(JSON.stringify(spec), { path: `${path}/flow.json`, env: {} });
const stateDir = openStateDir(path);
const folder = stateDir.run('r1234567');
const vault = vaultOf(plan, {});
const docker = instantEngine({ instance: stateDir.instance, runId: folder.runId });
mkdirSync(folder.path, { mode: 0o700 });
writeRunFile(folder, { plan, secret: '0'.repeat(32), engine: docker.runEngine, commits: {} });

if (isResumed) {
  const half = await drive([], { until: agents / 2 });
  await half.detach();
}

let past: readonly RunEvent[] = [];
await delay(50);
const lag = monitorEventLoopDelay({ resolution: 1 });
lag.enable();
const began = performance.now();
const cpu = process.cpuUsage();
if (isResumed) past = readJournal(folder.journal).events;
const run = await drive(past);
const { exitCode, state } = await run.done;
const { user, system } = process.cpuUsage(cpu);
const wallMs = performance.now() - began;
await delay(5);
lag.disable();
const statuses = Object.values(state.agents).filter(({ status }) => status === 'succeeded').length;
if (exitCode !== 0 || statuses !== agents) throw new Error(`${statuses} of ${agents} agents succeeded`);

const round = (value: number) => Math.round(value * 100) / 100;
const measurement: Measurement = {
  agents,
  concurrency: Number(concurrency),
  isResumed,
  events: docker.events(),
  cpuMsPerAgent: round((user + system) / 1_000 / agents),
  peakRssMB: round(process.resourceUsage().maxRSS / 1_024),
  heapMB: round(process.memoryUsage().heapUsed / 2 ** 20),
  journalBytesPerAgent: Math.round(statSync(folder.journal).size / agents),
  longestDelayMs: round(lag.max / 1e6),
  wallMs: Math.round(wallMs),
};
console.log(JSON.stringify(measurement));

/** Drive the run; with `until`, resolve once that many agents have ended. */
async function drive(past: readonly RunEvent[], { until }: { readonly until?: number } = {}) {
  const enough = Promise.withResolvers<void>();
  let ended = 0;
  const context = {
    ...readRunFile(folder),
    vault,
    folder,
    lock: lockRun(folder),
    past,
  };
  const run = await superviseRun(context, docker.connection(vault.redactor, past), {
    stateDir,
    env: {},
    actors: docker.actors(),
    onEvent(event) {
      docker.onEvent();
      if (event.type === 'agent.ended' && ++ended === until) enough.resolve();
    },
  });
  if (until !== undefined) await enough.promise;
  return run;
}
