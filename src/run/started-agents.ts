import { controlOf } from '../spec/control-plan.ts';
import { approveOf, forEachOf, hasContainer, membersOf } from '../spec/members.ts';
import type { FlowPlan } from '../spec/plan.ts';
import type { EventOf } from '../state/agent-state.ts';
import type { Rerun } from '../store/run-file.ts';

/** Return the agents of a run for its `run.started`. */
export const startedAgents = (plan: FlowPlan, rerun?: Rerun): EventOf<'run.started'>['agents'] =>
  membersOf(plan).map(agent => ({
    name: agent.name,
    dependsOn: [...agent.dependsOn],
    ...controlOf(agent),
    ...(hasContainer(agent)
      ? { retries: agent.retries, ...agent.placement, ...(agent.check && { rounds: agent.check.rounds }) }
      : { retries: 0 }),
    ...approveOf(agent),
    ...forEachOf(agent),
    ...(rerun && Object.hasOwn(rerun.reused, agent.name) && { reused: rerun.reused[agent.name]! }),
  }));
