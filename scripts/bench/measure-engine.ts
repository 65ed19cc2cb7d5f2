// The measured process of engine-alone.ts: run one flow, and print its measurement as a line of JSON.
import { mkdirSync, statSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent } from '../../src/events.ts';
import { lockRun } from '../../src/run/run-lock.ts';
import { superviseRun } from '../../src/run/supervise-run.ts';
import { vaultOf } from '../../src/secrets/vault.ts';
import { parseSpec } from '../../src/spec/load.ts';
import { readJournal } from '../../src/store/read-journal.ts';
import { type RunFile, readRunFile, writeRunFile } from '../../src/store/run-file.ts';
import { openStateDir } from '../../src/store/state-directory.ts';
import type { EngineOptions, Measurement } from './engine-measurement.ts';
import { instantEngine, runEngine } from './instant-engine.ts';
import { measureTurns } from './turns.ts';

const [path = '', options = ''] = process.argv.slice(2);
const {
  agents,
  concurrency = 100,
  isResumed = false,
  hasLatency = false,
}: EngineOptions = JSON.parse(options);

const plan = await parseSpec(JSON.stringify(specOf(agents)), { path: `${path}/flow.json`, env: {} });
const stateDir = openStateDir(path);
const folder = stateDir.run('r1234567');
const vault = vaultOf(plan, {});
const engine = instantEngine({ instance: stateDir.instance, runId: folder.runId, plan, hasLatency });
mkdirSync(folder.path, { mode: 0o700 });
const file: RunFile = {
  plan,
  secret: '0'.repeat(32),
  hosts: [{ names: [null], engine: runEngine }],
  commits: {},
};
writeRunFile(folder, file);
let events = 0;
if (isResumed) await (await drive(file, [], agents / 2)).detach();

// Exclude the setup from the measurement.
await delay(50);
events = 0;
const lag = monitorEventLoopDelay({ resolution: 1 });
lag.enable();
const turns = measureTurns();
const began = performance.now();
const cpu = process.cpuUsage();
const run = await (isResumed
  ? drive(readRunFile(folder), readJournal(folder.journal).events)
  : drive(file, []));
const { exitCode, state } = await run.done;
const { user, system } = process.cpuUsage(cpu);
const wallMs = performance.now() - began;
// A delay is recorded when the next timer is late.
await delay(5);
lag.disable();
turns.stop();
const succeeded = Object.values(state.agents).filter(({ status }) => status === 'succeeded').length;
if (exitCode !== 0 || succeeded !== agents) throw new Error(`${succeeded} of ${agents} agents succeeded`);

const measurement: Measurement = {
  agents,
  concurrency,
  isResumed,
  hasLatency,
  events,
  cpuMsPerAgent: rounded((user + system) / 1_000 / agents),
  peakRssMB: rounded(process.resourceUsage().maxRSS / 1_024),
  heapMB: rounded(process.memoryUsage().heapUsed / 2 ** 20),
  journalBytesPerAgent: Math.round(statSync(folder.journal).size / agents),
  longestDelayMs: rounded(lag.max / 1e6),
  longestTurnCpuMs: rounded(turns.longestMs()),
  wallMs: Math.round(wallMs),
};
console.log(JSON.stringify(measurement));

/** Chains of four agents, so that dependencies are scheduled too. */
function specOf(count: number) {
  const nameOf = (index: number) => `agent-${index + 1}`;
  const agent = (index: number) => ({
    command: ['true'],
    workspace: { mode: 'none' },
    memory: '64m',
    dependsOn: index % 4 === 0 ? [] : [nameOf(index - 1)],
  });
  const entries = Array.from({ length: count }, (_, index) => [nameOf(index), agent(index)]);
  return { name: 'bench', concurrency, agents: Object.fromEntries(entries) };
}

/** Drive the run; with `until`, resolve once that many agents have ended. */
async function drive(file: RunFile, past: readonly RunEvent[], until = Number.POSITIVE_INFINITY) {
  const enough = Promise.withResolvers<void>();
  let ended = 0;
  const context = { ...file, vault, folder, lock: lockRun(folder), isResumed: past.length > 0, past };
  const run = await superviseRun(context, engine.connection(vault.redactor, past), {
    stateDir,
    env: {},
    actors: engine.actors,
    onEvent(event) {
      events++;
      if (event.type === 'agent.ended' && ++ended >= until) enough.resolve();
    },
  });
  if (until !== Number.POSITIVE_INFINITY) await enough.promise;
  return run;
}

function rounded(value: number) {
  return Math.round(value * 100) / 100;
}
