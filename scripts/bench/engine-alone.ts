#!/usr/bin/env node
// Measure the engine without Docker: the real machines, journal, reducers and scheduling of a run, with actors that are
// done at once. Each size runs in a process of its own. Prints a line of JSON for each.
//
//   scripts/bench/engine-alone.ts                         100, 1000 and 10000 agents
//   scripts/bench/engine-alone.ts 100 3000                these sizes
//   scripts/bench/engine-alone.ts --concurrency=1000 10000
//   scripts/bench/engine-alone.ts --latency 1000          docker calls take as long as those of a real engine
//   scripts/bench/engine-alone.ts --resume 10000          detach half-way, and measure the rest
//   scripts/bench/engine-alone.ts --node=--cpu-prof 1000  with flags of node
import { parseArgs } from 'node:util';
import { measureEngine } from './engine.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    concurrency: { type: 'string', default: '100' },
    latency: { type: 'boolean', default: false },
    resume: { type: 'boolean', default: false },
    node: { type: 'string', multiple: true, default: [] },
  },
});
for (const agents of positionals.length > 0 ? positionals : ['100', '1000', '10000'])
  console.log(
    JSON.stringify(
      measureEngine({
        agents: Number(agents),
        concurrency: Number(values.concurrency),
        isResumed: values.resume,
        hasLatency: values.latency,
        nodeFlags: values.node,
      }),
    ),
  );
