import type { EngineInfo } from '../docker/engine-info.ts';
import { UsageError } from '../errors.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { formatBytes } from '../spec/units.ts';

/** Check the limits of a spec against the engine before anything is started. */
export function checkLimits(
  plan: FlowPlan,
  engine: Pick<EngineInfo, 'cpus' | 'memory'>,
  owner = 'the Docker engine',
): void {
  const problems = plan.agents.flatMap(({ name, cpus, memory }) => [
    ...(cpus !== null && cpus > engine.cpus
      ? [`agents.${name}.cpus: ${cpus} is more than the ${engine.cpus} that ${owner} has`]
      : []),
    ...(memory > engine.memory
      ? [
          `agents.${name}.memory: ${formatBytes(memory)} is more than the ${formatBytes(engine.memory)} that ${owner} has`,
        ]
      : []),
  ]);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

/** Return how many agents fit into the engine's memory and CPUs at once, by the largest request of any of them. */
export function maxConcurrency(plan: FlowPlan, engine: Pick<EngineInfo, 'cpus' | 'memory'>): number {
  const memory = Math.max(...plan.agents.map(agent => agent.memory));
  const cpus = Math.max(...plan.agents.map(agent => agent.cpus ?? Math.min(2, engine.cpus)));
  return Math.max(1, Math.floor(Math.min(engine.memory / memory, engine.cpus / cpus)));
}

/** Return how many containers to create or start at once while the engine is fast. More would only slow each one down. */
export const startsAtOnce = ({ cpus }: EngineInfo): number => Math.max(4, 2 * cpus);
