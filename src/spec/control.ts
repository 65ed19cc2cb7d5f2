import type { RequiredResult } from '../../machines/agent-types.ts';
import type { ControlPlan } from './control-plan.ts';
import { isObject } from './fields.ts';
import type { Path } from './findings.ts';
import { listReference } from './for-each-fields.ts';
import { requiredBy } from './reference.ts';
import type { AgentSpec } from './schema.ts';

/** The agents that conditions name, by the agent with the condition. */
export type ConditionReferences = ReadonlyMap<string, readonly string[]>;

interface Dependency {
  /** Empty if it cannot be read. */
  readonly name: string;
  readonly on: RequiredResult;
  /** The path of the name in the agent. */
  readonly path: Path;
}

/** Return the dependencies of an agent that is not validated, as far as they can be read. */
export function dependenciesIn(dependsOn: unknown): Dependency[] {
  if (!Array.isArray(dependsOn)) return [];
  return dependsOn.map((entry, index) => {
    const isDescribed = isObject(entry);
    const name = isDescribed ? entry.agent : entry;
    const on = isDescribed && (entry.on === 'failed' || entry.on === 'ended') ? entry.on : 'succeeded';
    const path = isDescribed ? ['dependsOn', index, 'agent'] : ['dependsOn', index];
    return { name: typeof name === 'string' ? name : '', on, path };
  });
}

/**
 * Return what an agent waits for. Agents that only its condition names may end with any result; an output that only its
 * templates name is that of a success.
 */
export function resolveControl(
  name: string,
  { dependsOn = [], when, forEach }: Pick<AgentSpec, 'dependsOn' | 'when' | 'forEach'>,
  references: ConditionReferences,
  inputs: readonly string[] = [],
): ControlPlan & { readonly dependsOn: readonly string[] } {
  const given = dependenciesIn(dependsOn).map(({ name, on }) => [name, on] as const);
  const isGiven = (agent: string) => given.some(([name]) => name === agent);
  const named = (references.get(name) ?? []).filter(agent => !isGiven(agent));
  const list = forEach === undefined ? [] : [listReference(forEach)];
  const read = [...requiredBy([...inputs, ...list])].filter(
    ([agent]) => !isGiven(agent) && !named.includes(agent),
  );
  const all = [...given, ...named.map(agent => [agent, 'ended'] as const), ...read];
  const others = all.filter(([, on]) => on !== 'succeeded');
  return {
    dependsOn: all.map(([name]) => name),
    ...(others.length === 0 ? {} : { on: Object.fromEntries(others) }),
    ...(when === undefined ? {} : { when }),
    ...(inputs.length === 0 ? {} : { inputs }),
  };
}
