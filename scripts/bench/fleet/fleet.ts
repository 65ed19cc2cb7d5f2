import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetMeasurement, FleetOptions } from './fleet-measurement.ts';

const kinds: readonly FleetOptions[] = [
  { agents: 100, engines: 100, rooms: 80 },
  { agents: 10_000, engines: 1, rooms: 8_000, concurrency: 10_000 },
  { agents: 10_000, engines: 100, rooms: 80, concurrency: 10_000 },
];

const timeoutMs = 900_000;

/** Measure a run on simulated engines, in a process of its own. Throws if it did not do what it had to. */
export function measureFleet({ nodeFlags = [], ...options }: FleetOptions): FleetMeasurement {
  const stateDir = mkdtempSync(join(tmpdir(), 'agent-flow-bench-'));
  try {
    const script = (name: string) => join(import.meta.dirname, name);
    const hooks = `--import=${script('replace-docker.ts')}`;
    const argv = [...nodeFlags, hooks, script('measure-fleet.ts'), stateDir, JSON.stringify(options)];
    const printed = execFileSync(process.execPath, argv, {
      encoding: 'utf8',
      timeout: timeoutMs,
      stdio: ['ignore', 'pipe', 'inherit'],
      // Without a docker on PATH no engine is touched by mistake.
      env: { PATH: stateDir, HOME: stateDir, NODE_ENV: 'production' },
    });
    const measured: FleetMeasurement = JSON.parse(printed);
    const { problems } = measured;
    if (problems.length > 0)
      throw new Error(`${problems.length} problems: ${problems.slice(0, 5).join('; ')}`);
    return measured;
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** Measure few agents on many engines, and many agents on one engine and on many, once each. */
export const measureFleets = (): FleetMeasurement[] => kinds.map(measureFleet);

/** Return ratios of 10,000 agents on 100 engines, the last measurement, to 10,000 on one engine and to 100 agents. */
export function fleetRatios([few, one, many]: readonly FleetMeasurement[]): Record<string, number> {
  const ratio = (of: (measurement: FleetMeasurement) => number, to: FleetMeasurement) => of(many!) / of(to);
  const cpu = ({ cpuMsPerAgent }: FleetMeasurement) => cpuMsPerAgent;
  const calls = ({ managerCalls, nodeCalls, agents }: FleetMeasurement) =>
    (managerCalls.total + nodeCalls.total) / agents;
  return {
    'CPU per agent, 10,000 agents: 100 engines ÷ 1 engine': ratio(cpu, one!),
    'docker calls per agent, 10,000 agents: 100 engines ÷ 1 engine': ratio(calls, one!),
    'CPU per agent, 100 engines: 10,000 agents ÷ 100 agents': ratio(cpu, few!),
    'docker calls per agent, 100 engines: 10,000 agents ÷ 100 agents': ratio(calls, few!),
  };
}
