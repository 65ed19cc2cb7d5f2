import { itemName } from '../text/item-name.ts';
import { agentFields } from './checks.ts';
import { type Finding, isBroken } from './findings.ts';
import { listReference } from './for-each-fields.ts';
import { defaultMaxItems, type ForEachPlan } from './for-each-plan.ts';
import { listProblem, type Referenced } from './inputs.ts';
import { groupMembers, hasContainer, type MemberPlan, membersOf } from './members.ts';
import { agentName, maxAgentNameLength } from './names.ts';
import type { AgentPlan, FlowPlan } from './plan.ts';
import type { Spec } from './schema.ts';

/** Check the agents with `forEach`: the list, and the names of the agents that they become. */
export function checkForEach(
  value: unknown,
  { found, ...known }: { found: readonly Finding[] } & Pick<Referenced, 'groups' | 'outputs'>,
): Finding[] {
  const agents = agentFields(value);
  const fieldsOf = new Map(agents.map(({ path, fields }) => [String(path[1]), fields]));
  return agents.flatMap(({ path, fields }): Finding[] => {
    const { forEach, max = defaultMaxItems } = fields;
    if (forEach === undefined)
      return 'max' in fields
        ? [
            {
              path: [...path, 'max'],
              message: 'it limits "forEach", which this agent does not have; drop it',
            },
          ]
        : [];
    const where = [...path, 'forEach'];
    if (typeof forEach !== 'string' || isBroken(found, where) || isBroken(found, [...path, 'max'])) return [];
    const own = String(path[1]);
    const message =
      listProblem(listReference(forEach), { own, fieldsOf, ...known }) ??
      nameProblem(own, Number(max), [...fieldsOf.keys(), ...known.groups.keys()]);
    return message === null ? [] : [{ path: where, value: forEach, message }];
  });
}

function nameProblem(name: string, max: number, others: readonly string[]): string | null {
  if (!agentName.test(name)) return null;
  const longest = itemName(name, max);
  if (!agentName.test(longest))
    return `its agents would have names such as "${longest}", of more than ${maxAgentNameLength} characters; shorten "${name}"`;
  const names = new Set(Array.from({ length: max }, (_, at) => itemName(name, at + 1)));
  const taken = others.find(other => names.has(other));
  return taken === undefined
    ? null
    : `one of its agents would be named "${taken}", as another agent is; rename that one`;
}

/** Replace every agent with `forEach` by one that becomes others, and by those: one for each item that there may be. */
export function expandForEach(plan: FlowPlan, { agents }: Spec): FlowPlan {
  const members = membersOf(plan).flatMap((member): readonly MemberPlan[] => {
    const { forEach, max = defaultMaxItems } = agents[member.name]!;
    if (forEach === undefined || !hasContainer(member)) return [member];
    const items = Array.from({ length: max }, (_, at) => agentForItem(member, at + 1));
    return [listOf(member, listReference(forEach), max), ...items];
  });
  return members.length === membersOf(plan).length ? plan : { ...plan, ...groupMembers(members) };
}

const listOf = (
  { name, dependsOn, on, when, matrix }: AgentPlan,
  items: string,
  max: number,
): ForEachPlan => ({
  ...{ name, index: 0, dependsOn },
  ...(on === undefined ? {} : { on }),
  ...(when === undefined ? {} : { when }),
  ...(matrix === undefined ? {} : { matrix }),
  ...{ items, max },
});

/** The condition is that of the whole list. Labels that the spec gives take precedence. */
function agentForItem({ when: _, ...agent }: AgentPlan, index: number): AgentPlan {
  const of = agent.name;
  return {
    ...agent,
    name: itemName(of, index),
    item: { of, index },
    labels: { 'forEach.agent': of, 'forEach.index': String(index), ...agent.labels },
  };
}
