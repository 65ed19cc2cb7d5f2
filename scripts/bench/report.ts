import { type EngineRounds, medianOf } from './engine.ts';
import type { Measurement } from './engine-measurement.ts';
import type { FleetMeasurement } from './fleet/fleet-measurement.ts';
import type { Machine } from './machine.ts';
import { bars, count, interruptedAgents, type Latency, type Ratios, type Wall } from './measure.ts';
import { atOnce } from './runners.ts';
import { median, type Rounds, ratioOf } from './timing.ts';

/** Everything that one benchmark measured. */
export interface Results {
  readonly at: string;
  readonly machine: Machine;
  /** The load of the machine before and after. */
  readonly load: readonly [number, number];
  readonly walls: readonly Wall[];
  readonly startUp: Rounds;
  readonly latency: Latency;
  readonly engines: readonly EngineRounds[];
  readonly fleets: readonly FleetMeasurement[];
  readonly ratios: Ratios;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const milliseconds = (ms: number) => `${Math.round(ms)} ms`;

/** Return the results as Markdown tables. */
export function tables({ walls, startUp, latency, engines, fleets, ratios }: Results): string {
  const perAgent = (calls: number | undefined, agents: number) =>
    calls === undefined ? '' : (calls / agents).toFixed(1);
  const wallRows = walls.flatMap(({ agents, times, dockerCalls }) =>
    Object.entries(times).map(([name, rounds]) => [
      count(agents),
      name,
      seconds(median(rounds)),
      ratioOf(rounds, times.floor!).toFixed(2),
      perAgent(dockerCalls[name], agents),
      String(rounds.length),
    ]),
  );
  const { endToResult: ends, interrupt } = latency;
  const times = [
    ...Object.entries(startUp).map(([name, rounds]) => [
      `start-up of \`${name}\``,
      milliseconds(median(rounds)),
    ]),
    ["an agent's exit to its result in the journal", milliseconds(median(ends.map(({ total }) => total)))],
    ['its `docker logs` and `docker rm`', milliseconds(median(ends.map(({ docker }) => docker)))],
    [`Ctrl-C to everything removed, ${count(interruptedAgents)}`, milliseconds(median(interrupt))],
  ];
  const ratioRows = Object.entries(ratios).map(([name, ratio]) => {
    const bar = bars[name];
    return [name, ratio.toFixed(2), bar === undefined ? '' : String(bar)];
  });
  return [
    markdown(['agents', 'runner', 'wall', '÷ floor', 'docker processes per agent', 'rounds'], wallRows),
    markdown(['time', 'median'], times),
    engineTable(engines),
    fleetTable(fleets),
    markdown(['ratio, median of the rounds', 'measured', 'bar'], ratioRows),
  ].join('\n\n');
}

/** Return the costs of the engine alone. */
function engineTable(engines: readonly EngineRounds[]): string {
  const rows = engines.map(engine => {
    const of = (pick: (measurement: Measurement) => number) => medianOf(engine, pick);
    const kind = engine.isResumed ? ', resumed half-way' : engine.hasLatency ? ', docker with latency' : '';
    return [
      `${count(engine.agents)}${kind}`,
      `${of(({ cpuMsPerAgent }) => cpuMsPerAgent).toFixed(2)} ms`,
      `${Math.round(of(({ peakRssMB }) => peakRssMB))} MB`,
      `${(of(({ journalBytesPerAgent }) => journalBytesPerAgent) / 1024).toFixed(1)} kB`,
      milliseconds(of(({ longestDelayMs }) => longestDelayMs)),
      seconds(of(({ wallMs }) => wallMs)),
    ];
  });
  const head = ['engine alone', 'CPU per agent', 'peak memory', 'journal per agent', 'longest stall', 'wall'];
  return markdown(head, rows);
}

/** Return the costs of runs on simulated engines. */
function fleetTable(fleets: readonly FleetMeasurement[]): string {
  const rows = fleets.map(({ agents, engines, managerCalls, nodeCalls, ...fleet }) => [
    `${count(agents)} on ${engines === 1 ? '1 engine' : `${engines} engines`}`,
    `${fleet.cpuMsPerAgent.toFixed(2)} ms`,
    `${Math.round(fleet.heapMB)} MB`,
    `${(managerCalls.total / agents).toFixed(1)}, ${managerCalls.perSecond}`,
    `${(nodeCalls.total / agents).toFixed(1)}, ${nodeCalls.perSecond}`,
    String(fleet.callsAtOnce),
    milliseconds(fleet.longestDelayMs),
    seconds(fleet.wallMs),
  ]);
  const head = [
    ...['simulated engines', 'CPU per agent', 'largest heap'],
    ...['calls to the manager: per agent, in a second', 'calls to the nodes: per agent, in a second'],
    ...['docker processes at once', 'longest stall', 'wall'],
  ];
  return markdown(head, rows);
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function describe({ at, machine, load }: Results): string {
  const { cpu, cpus, memoryGb, kernel, node, dockerClient, dockerEngine, storage } = machine;
  return `${cpus} CPUs (${cpu}), ${memoryGb} GB, Linux ${kernel}; Node ${node}; docker client ${dockerClient}, engine ${dockerEngine}, ${storage}; ${at.slice(0, 10)}, load ${load[0]} before and ${load[1]} after.`;
}

/** Return docs/performance.md. */
export const page = (results: Results) => `# Performance

<!-- Generated by scripts/bench/bench.ts --write. -->

Wall times of agents that print one line, ${atOnce} at once, each in a container with the same image and flags:

- **floor**: \`scripts/bench/floor.sh\`, a bash script with one docker command per step and nothing else: no journal, no
  limits of time, no recovery;
- **agent-flow**: \`agent-flow run\`;
- **dockerode**, **testcontainers**: short programs that call the engine's API with these libraries.

A round runs every runner once. Numbers are medians of the rounds, and ratios medians of the ratios of each round, since
a time measures the machine as much as the program. Docker processes are counted in a run of its own. The engine alone is a
supervisor whose docker calls are done at once, or take as long as those of a real engine. On simulated engines, which a
Docker Swarm places agents of ten minutes on, only the docker processes are replaced: see [costs](scale.md#costs).

${describe(results)}

${tables(results)}

\`npm run bench\` prints these tables, with \`--json FILE\` also every round; with \`--write\` it writes this page and
\`scripts/bench/expected.json\`. \`npm run bench -- --check\` measures the ratios of up to 20 agents and fails if one is more
than 20% above the expected one. \`scripts/test\` runs it.
`;
