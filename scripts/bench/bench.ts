#!/usr/bin/env node
// Benchmark agent-flow against a bash script and two libraries, all in one run. Needs a Docker engine and the base image.
//
//   scripts/bench/bench.ts                  print the tables, in less than an hour
//   scripts/bench/bench.ts --json FILE      also write every round
//   scripts/bench/bench.ts --write          also write docs/performance.md and expected.json
//   scripts/bench/bench.ts --agents 1,20    with other numbers of agents
//   scripts/bench/bench.ts --check          compare some ratios with expected.json, in three minutes
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageFolder } from '../../src/package.ts';
import { checkRatios, writeExpected } from './check.ts';
import { engineRatios, measureEngines } from './engine.ts';
import { fleetRatios, measureFleets } from './fleet/fleet.ts';
import { describeMachine, load } from './machine.ts';
import {
  latencyRatios,
  measureLatency,
  measureStartUp,
  measureWall,
  startUpRatios,
  wallRatios,
} from './measure.ts';
import { describe, page, type Results, tables } from './report.ts';
import { buildRunners, label } from './runners.ts';

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '1,20,50' },
    check: { type: 'boolean', default: false },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'agent-flow-bench-'));
try {
  await buildRunners(!values.check);
  if (values.check) process.exitCode = await checkRatios(folder);
  else report(await measureAll(values.agents.split(',').map(Number)));
} finally {
  removeLeftContainers();
  rmSync(folder, { recursive: true, force: true });
}

async function measureAll(sizes: readonly number[]): Promise<Results> {
  const machine = describeMachine();
  const before = load();
  const startUp = await measureStartUp(folder, 21);
  const latency = await measureLatency(folder, 5);
  const engines = measureEngines(5);
  const fleets = measureFleets();
  const walls = [];
  for (const agents of sizes) {
    const names = ['floor', 'agent-flow', 'dockerode', 'testcontainers'] as const;
    walls.push(await measureWall(folder, agents, agents === 1 ? 9 : 5, names));
  }
  return {
    at: new Date().toISOString(),
    machine,
    load: [before, load()],
    walls,
    startUp,
    latency,
    engines,
    fleets,
    ratios: Object.assign(
      {},
      ...walls.map(wallRatios),
      startUpRatios(startUp),
      latencyRatios(latency),
      engineRatios(engines),
      fleetRatios(fleets),
    ),
  };
}

function report(results: Results): void {
  console.log(`${describe(results)}\n\n${tables(results)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  if (!values.write) return;
  writeFileSync(join(packageFolder, 'docs', 'performance.md'), page(results));
  writeExpected(results.ratios);
}

/** Remove the containers of a runner that failed. */
function removeLeftContainers(): void {
  const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8', timeout: 60_000 });
  const left = docker('ps', '--all', '--quiet', `--filter=label=${label}`).split('\n').filter(Boolean);
  if (left.length > 0) docker('rm', '--force', '--volumes', ...left);
}
