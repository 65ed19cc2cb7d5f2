// The measured process of fleet.ts: run one flow on simulated engines, and print its measurement as a line of JSON.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent } from '../../../src/events.ts';
import type { RunEnd } from '../../../src/run/run.ts';
import { startRun } from '../../../src/run/start-run.ts';
import { parseSpec } from '../../../src/spec/load.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { measureTurns } from '../turns.ts';
import type { FleetMeasurement, FleetOptions } from './fleet-measurement.ts';
import { managerName, type Simulation, simulate } from './simulation.ts';
import { virtualClock } from './virtual-clock.ts';

const [path = '', given = ''] = process.argv.slice(2);
const options: FleetOptions = JSON.parse(given);
const { agents, engines, rooms, workMs = 600_000, outages = [] } = options;

const clock = virtualClock();
const simulation = simulate({ clock, engines, rooms, workMs });
const plan = await parseSpec(JSON.stringify(specOf(options)), { path: `${path}/flow.json`, env: {} });
const stateDir = openStateDir(path);
const events = eventCounts();
for (const outage of outages) void silence(outage);

// Exclude the setup from the measurement.
await delay(50);
const lag = monitorEventLoopDelay({ resolution: 1 });
lag.enable();
const turns = measureTurns();
const began = performance.now();
const cpu = process.cpuUsage();
const end = await clock.passUntil(
  startRun(plan, { stateDir, clock, env: {}, onEvent: events.count }).then(run => run.done),
);
const { user, system } = process.cpuUsage(cpu);
const wallMs = performance.now() - began;
// A delay is recorded when the next timer is late.
await delay(5);
lag.disable();
turns.stop();

const { counter } = simulation;
const perEngine = simulation.names.map(name => events.placed.get(name) ?? 0);
const measurement: FleetMeasurement = {
  ...{ agents, engines },
  exitCode: end.exitCode,
  attempts: events.attempts(),
  cpuMsPerAgent: rounded((user + system) / 1_000 / agents),
  heapMB: rounded(turns.largestHeap() / 2 ** 20),
  journalBytesPerAgent: Math.round(journalSize() / agents),
  longestDelayMs: rounded(lag.max / 1e6),
  longestTurnCpuMs: rounded(turns.longestMs()),
  managerCalls: counter.manager,
  nodeCalls: counter.nodes,
  callsAtOnce: counter.atOnce(),
  pendingAtOnce: events.pendingAtOnce(),
  agentsPerEngine: [Math.min(...perEngine), Math.max(...perEngine)],
  simulatedSeconds: Math.round(clock.elapsed() / 1_000),
  wallMs: Math.round(wallMs),
  problems: problemsOf(end, simulation),
};
console.log(JSON.stringify(measurement));
process.exit();

function specOf({ agents, isPlanned = false, hasLeases = false, ...options }: FleetOptions) {
  const agent = { command: ['true'], workspace: { mode: 'none' }, memory: '1g', cpus: 1 };
  const lost = hasLeases ? { onHostLost: 'retry', hostGrace: '5m' } : {};
  const names = Array.from({ length: agents }, (_, index) => `agent-${index + 1}`);
  return {
    name: 'bench',
    concurrency: options.concurrency ?? Math.ceil(engines * rooms * 1.25),
    target: isPlanned ? { context: 'h1' } : { swarm: managerName },
    agents: Object.fromEntries(names.map(name => [name, { ...agent, ...lost }])),
  };
}

async function silence({ engine: name, from, to }: NonNullable<FleetOptions['outages']>[number]) {
  const never = new AbortController().signal;
  const engine = simulation.engines.get(name)!;
  await clock.sleep(from, never);
  engine.silence(true);
  if (to === null) return;
  await clock.sleep(to - from, never);
  engine.silence(false);
}

/** Count events of the run as they come, since a long run does not keep them. */
function eventCounts() {
  const placed = new Map<string, number>();
  const pending = new Set<string>();
  let attempts = 0;
  let most = 0;
  return {
    placed,
    attempts: () => attempts,
    pendingAtOnce: () => most,
    count(event: RunEvent) {
      if (event.type === 'attempt.ended') attempts++;
      if (event.type === 'agent.placed') placed.set(event.host, (placed.get(event.host) ?? 0) + 1);
      if (event.type !== 'agent.state') return;
      if (event.state === 'placing.pending') pending.add(event.agent);
      else pending.delete(event.agent);
      most = Math.max(most, pending.size);
    },
  };
}

/** Return what is not as it has to be at the end of the run. */
function problemsOf({ state }: RunEnd, { engines, names, services }: Simulation): string[] {
  const outcomes = Object.entries(state.agents);
  const lost = new Set(outages.filter(({ to }) => to === null).map(({ engine }) => engine));
  const reachable = names.filter(name => !lost.has(name)).map(name => engines.get(name)!);
  const all = names.map(name => engines.get(name)!);
  const done = all.reduce((sum, engine) => sum + engine.succeeded(), 0);
  return [
    ...outcomes.flatMap(([name, { status }]) => (status === 'succeeded' ? [] : [`${name} is ${status}`])),
    ...all.flatMap(({ doubled }) => doubled.map(agent => `two attempts of ${agent} worked at once`)),
    // On a lost engine, an attempt may end its work before its lease runs out.
    ...(lost.size === 0 && done !== agents ? [`${done} of ${agents} agents did their work`] : []),
    ...reachable.flatMap(engine =>
      engine.left() > 0 ? [`${engine.left()} containers are left on ${engine.name}`] : [],
    ),
    ...(services.size > 0 ? [`${services.size} reservations are left`] : []),
  ];
}

function journalSize(): number {
  const runs = join(path, 'runs');
  const [run = ''] = readdirSync(runs);
  return statSync(join(runs, run, 'journal.jsonl')).size;
}

function rounded(value: number) {
  return Math.round(value * 100) / 100;
}
