import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineOptions, Measurement } from './engine-measurement.ts';
import { median } from './timing.ts';

const timeoutMs = 300_000;

/** Measure the engine without Docker, in a process of its own. */
export function measureEngine({ nodeFlags = [], ...options }: EngineOptions): Measurement {
  const stateDir = mkdtempSync(join(tmpdir(), 'agent-flow-bench-'));
  try {
    const script = join(import.meta.dirname, 'measure-engine.ts');
    const argv = [...nodeFlags, script, stateDir, JSON.stringify(options)];
    const printed = execFileSync(process.execPath, argv, {
      encoding: 'utf8',
      timeout: timeoutMs,
      stdio: ['ignore', 'pipe', 'inherit'],
      // Without a docker on PATH no engine is touched by mistake.
      env: { ...process.env, PATH: stateDir, NODE_ENV: 'production' },
    });
    return JSON.parse(printed);
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** Measurements of one kind of run, in several rounds. */
export interface EngineRounds extends Omit<EngineOptions, 'nodeFlags'> {
  readonly rounds: readonly Measurement[];
}

const kinds: readonly EngineOptions[] = [
  { agents: 100 },
  { agents: 1_000 },
  { agents: 10_000 },
  { agents: 1_000, hasLatency: true },
  { agents: 10_000, isResumed: true },
];

/** Measure runs of several sizes, each once per round. */
export function measureEngines(rounds: number): EngineRounds[] {
  const measured = kinds.map(kind => ({ ...kind, rounds: [] as Measurement[] }));
  for (let round = 0; round < rounds; round++)
    for (const { rounds: found, ...kind } of measured) found.push(measureEngine(kind));
  return measured;
}

export const medianOf = ({ rounds }: EngineRounds, of: (measurement: Measurement) => number) =>
  median(rounds.map(of));

/** Return the ratio of CPU per agent, the kilobytes per agent and the longest stall, of 10,000 agents and of 100. */
export function engineRatios(measured: readonly EngineRounds[]): Record<string, number> {
  const plain = measured.filter(({ isResumed, hasLatency }) => !isResumed && !hasLatency);
  const [small, large] = [plain[0]!, plain.at(-1)!];
  const cpu = ({ cpuMsPerAgent }: Measurement) => cpuMsPerAgent;
  const kilobytes = ({ peakRssMB }: Measurement) => peakRssMB * 1024;
  const agents = large.agents - small.agents;
  return {
    'CPU per agent: 10,000 agents ÷ 100 agents': medianOf(large, cpu) / medianOf(small, cpu),
    'memory per agent, kB: 10,000 agents − 100 agents':
      (medianOf(large, kilobytes) - medianOf(small, kilobytes)) / agents,
    'longest stall of the event loop, ms: 10,000 agents': medianOf(
      large,
      ({ longestDelayMs }) => longestDelayMs,
    ),
  };
}
