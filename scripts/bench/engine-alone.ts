#!/usr/bin/env node
// Measure the engine without Docker: the real machines, journal, reducers and scheduling of a run, with actors that are
// done at once. Each size runs in a process of its own, which prints one line of JSON; the last line compares the sizes.
//
//   scripts/bench/engine-alone.ts                         100, 1000 and 10000 agents
//   scripts/bench/engine-alone.ts 100 3000                these sizes
//   scripts/bench/engine-alone.ts --concurrency=1000 10000
//   scripts/bench/engine-alone.ts --resume 10000          detach half-way, and measure the rest
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Measurement } from './measure-engine.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    concurrency: { type: 'string', default: '100' },
    resume: { type: 'boolean', default: false },
    /** Flags of node for the measured process, such as --cpu-prof. */
    node: { type: 'string', multiple: true, default: [] },
  },
});
const sizes = positionals.length > 0 ? positionals : ['100', '1000', '10000'];
const limitMs = 300_000;

const measured = sizes.map(measure);
const [small, ...others] = measured;
for (const large of others) {
  const ratio = (of: (measurement: Measurement) => number) => Number((of(large) / of(small!)).toFixed(2));
  const agents = `${large.agents} / ${small!.agents}`;
  const kBPerAgent =
    Math.round((10 * (large.peakRssMB - small!.peakRssMB) * 1024) / (large.agents - small!.agents)) / 10;
  console.log(JSON.stringify({ agents, cpuRatio: ratio(({ cpuMsPerAgent }) => cpuMsPerAgent), kBPerAgent }));
}

function measure(agents: string): Measurement {
  const stateDir = mkdtempSync(join(tmpdir(), 'agent-flow-bench-'));
  try {
    const script = join(import.meta.dirname, 'measure-engine.ts');
    const argv = [...values.node, script, stateDir, agents, values.concurrency, String(values.resume)];
    const printed = execFileSync(process.execPath, argv, {
      encoding: 'utf8',
      timeout: limitMs,
      stdio: ['ignore', 'pipe', 'inherit'],
      // Without a docker on PATH no engine is touched by mistake.
      env: { ...process.env, PATH: stateDir, NODE_ENV: 'production' },
    });
    process.stdout.write(printed);
    return JSON.parse(printed);
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}
