import { type AnyActorRef, createActor } from 'xstate';
import type { AgentOutput, RequiredResult } from '../../../machines/agent-types.ts';
import { flowMachine } from '../../../machines/flow.ts';
import type { ConditionInput } from '../../../machines/flow-dependencies.ts';
import type { Status } from '../../../machines/outcome.ts';
import type { evaluateCondition } from '../../../src/spec/condition.ts';
import { manualActor, resolve } from './manual-actor.ts';

export type Condition = typeof evaluateCondition;

interface RandomFlow {
  readonly agents: readonly {
    readonly name: string;
    readonly dependsOn: readonly string[];
    readonly on: Readonly<Record<string, RequiredResult>>;
    readonly when: string | null;
    readonly result: 'succeeded' | 'failed' | 'timedOut';
  }[];
  readonly concurrency: number;
  /** Which of the agents that run ends next. */
  readonly picks: readonly number[];
}

/** Run a flow in the machine, with the end of each agent as given, and each condition evaluated at once. */
export function runRandomFlow({ agents, concurrency, picks }: RandomFlow, evaluate: Condition) {
  const byName = new Map(agents.map(agent => [agent.name, agent]));
  const started: string[] = [];
  const manual = manualActor('agent');
  const agent = {
    ...manual,
    getInitialSnapshot(...[scope, input]: Parameters<typeof manual.getInitialSnapshot>) {
      started.push(scope.id);
      return manual.getInitialSnapshot(scope, input);
    },
  };
  const condition = {
    ...manualActor('condition'),
    getInitialSnapshot(_: unknown, input: unknown) {
      const { agent, outcomes } = input as ConditionInput;
      const seen = Object.entries(outcomes).map(([name, { status, exitCode }]) => {
        return [name, { status, exitCode, branch: null, kind: null, output: null }] as const;
      });
      const result = evaluate(byName.get(agent)!.when!, Object.fromEntries(seen));
      return { status: 'done', output: { agent, ...result }, error: undefined, input };
    },
  };
  const machine = flowMachine.provide({ actors: { agent: agent as never, condition: condition as never } });
  const input = {
    concurrency,
    agents: agents.map(({ name, dependsOn, on, when }) => ({
      ...{ name, dependsOn, on, retries: 0, keep: 'never' as const },
      isConditional: when !== null,
    })),
  };
  const actor = createActor(machine, { input });
  actor.start();
  for (const pick of picks) {
    const children = Object.values(actor.getSnapshot().children as Record<string, AnyActorRef>);
    if (children.length === 0) break;
    const { id } = children[pick % children.length]!;
    resolve(children[pick % children.length]!, endOf(id, byName.get(id)!.result));
  }
  const { output } = actor.getSnapshot();
  const statuses = Object.entries(output?.agents ?? {}).map(([name, { status }]) => [name, status] as const);
  return { statuses: Object.fromEntries(statuses) as Record<string, Status>, started };
}

const endOf = (name: string, status: Status): AgentOutput => ({
  name,
  status,
  exitCode: status === 'succeeded' ? 0 : null,
  error: null,
  containerId: null,
  image: null,
  attempts: [],
});
