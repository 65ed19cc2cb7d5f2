import { dockerCallsOf } from './docker-calls.ts';
import { type EndToResult, endToResult, interruptToRemoved } from './latency.ts';
import { agentFlowCommand, atOnce, type RunnerName, runnerCommands, writeSpec } from './runners.ts';
import { interleave, type Rounds, ratioOf } from './timing.ts';

/** Ratios by name, such as `wall, 20 agents: agent-flow ÷ floor`. */
export type Ratios = Readonly<Record<string, number>>;

export interface Wall {
  readonly agents: number;
  readonly times: Rounds;
  /** `docker` processes of one run, by runner. */
  readonly dockerCalls: Readonly<Record<string, number>>;
}

/** Count the docker processes of a run, then time the runners, which begin with warm caches therefore. */
export async function measureWall(
  folder: string,
  agents: number,
  rounds: number,
  names: readonly RunnerName[],
): Promise<Wall> {
  const all = runnerCommands(folder, agents);
  const dockerCalls: Record<string, number> = {};
  // agent-flow first: it creates the network of the others.
  for (const name of ['agent-flow', 'floor'] as const)
    dockerCalls[name] = (await dockerCallsOf(all[name](), folder)).length;
  const commands = Object.fromEntries(names.map(name => [name, all[name]]));
  return { agents, times: await interleave(commands, rounds), dockerCalls };
}

export function wallRatios({ agents, times, dockerCalls }: Wall): Ratios {
  const others = Object.keys(times).filter(name => name !== 'agent-flow');
  return {
    ...Object.fromEntries(
      others.map(name => [
        `wall, ${count(agents)}: agent-flow ÷ ${name}`,
        ratioOf(times['agent-flow']!, times[name]!),
      ]),
    ),
    [`docker processes, ${count(agents)}: agent-flow ÷ agents`]: dockerCalls['agent-flow']! / agents,
  };
}

export const count = (agents: number) => `${agents} ${agents === 1 ? 'agent' : 'agents'}`;

const emptyNode = 'node -e 0';

/** Time short commands against a node that does nothing. */
export function measureStartUp(folder: string, rounds: number): Promise<Rounds> {
  const spec = writeSpec(folder, 1, 'true');
  return interleave(
    {
      [emptyNode]: () => ({ argv: [process.execPath, '-e', '0'], env: { NODE_COMPILE_CACHE: undefined } }),
      '--version': () => agentFlowCommand(folder, ['--version']),
      validate: () => agentFlowCommand(folder, ['validate', spec]),
      ps: () => agentFlowCommand(folder, ['ps']),
    },
    rounds,
  );
}

export const startUpRatios = (times: Rounds): Ratios =>
  Object.fromEntries(
    Object.keys(times)
      .filter(name => name !== emptyNode)
      .map(name => [`start-up: ${name} ÷ ${emptyNode}`, ratioOf(times[name]!, times[emptyNode]!)]),
  );

export interface Latency {
  readonly endToResult: readonly EndToResult[];
  /** Milliseconds from Ctrl-C to the end of the process, with `atOnce` agents. */
  readonly interrupt: readonly number[];
}

export async function measureLatency(folder: string, rounds: number): Promise<Latency> {
  const ends: EndToResult[] = [];
  const interrupt: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ends.push(await endToResult(folder));
    interrupt.push(await interruptToRemoved(folder));
  }
  return { endToResult: ends, interrupt };
}

/** The allowed milliseconds from an agent's exit to its result, beyond its `docker logs` and `docker rm`. */
const ownMs = 150;

export const latencyRatios = ({ endToResult: ends }: Latency): Ratios => ({
  [`exit to result: agent-flow ÷ (${ownMs} ms + docker logs + docker rm)`]: ratioOf(
    ends.map(({ total }) => total),
    ends.map(({ docker }) => ownMs + docker),
  ),
});

/** Ratios that agent-flow aims at. */
export const bars: Ratios = {
  'wall, 1 agent: agent-flow ÷ floor': 1.3,
  'wall, 20 agents: agent-flow ÷ floor': 1,
  'wall, 50 agents: agent-flow ÷ floor': 1,
  'wall, 50 agents: agent-flow ÷ dockerode': 1.1,
  'docker processes, 50 agents: agent-flow ÷ agents': 5.2,
  'start-up: --version ÷ node -e 0': 1.2,
  'CPU per agent: 10,000 agents ÷ 100 agents': 1.3,
  'memory per agent, kB: 10,000 agents − 100 agents': 30,
  'longest stall of the event loop, ms: 10,000 agents': 200,
  [`exit to result: agent-flow ÷ (${ownMs} ms + docker logs + docker rm)`]: 1,
};

export const interruptedAgents = atOnce;
