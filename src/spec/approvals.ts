import type { ApprovalPlan } from './approval-plan.ts';
import { agentFields } from './checks.ts';
import { type ConditionReferences, resolveControl } from './control.ts';
import type { MatrixValues } from './control-fields.ts';
import { isObject } from './fields.ts';
import type { Finding } from './findings.ts';
import { at } from './issues.ts';
import type { FlowPlan } from './plan.ts';
import type { AgentSpec, Spec } from './schema.ts';

const own: readonly string[] = ['approve', 'dependsOn', 'when', 'matrix'];

/** Find fields of approvals that only an agent with a container has, and flows of approvals alone. */
export function checkApprovals(value: unknown): Finding[] {
  const agents = agentFields(value);
  const approvals = agents.filter(({ fields }) => 'approve' in fields);
  const fields = approvals.flatMap(({ path, fields }) =>
    Object.keys(fields)
      .filter(key => !own.includes(key))
      .map(key => ({
        path: [...path, key],
        message: 'an approval runs nothing; give this to another agent, or leave "approve" out',
      })),
  );
  const isAlone = approvals.length > 0 && approvals.length === agents.length;
  return [
    ...fields,
    ...(isAlone ? [{ path: ['agents'], message: 'expected at least one agent beside approvals' }] : []),
  ];
}

/** Return a spec with the agents alone that have a container. */
export function withoutApprovals<Value>(value: Value): Value {
  const agents = at(value, ['agents']);
  if (!isObject(agents)) return value;
  const entries = Object.entries(agents);
  const others = entries.filter(([, fields]) => !isObject(fields) || fields.approve === undefined);
  if (others.length === entries.length) return value;
  return { ...value, agents: Object.fromEntries(others) };
}

const defaultTimeout = 24 * 3_600_000;

/** Return the approvals of a valid spec; `order` has the names of all of its agents. */
export function resolveApprovals(
  { agents }: Spec,
  {
    order,
    references,
    matrices,
  }: {
    order: readonly string[];
    references: ConditionReferences;
    matrices: ReadonlyMap<string, MatrixValues>;
  },
): Pick<FlowPlan, 'approvals'> {
  const approvals = order.flatMap((name, index): ApprovalPlan[] => {
    const { approve, ...agent } = agents[name] as AgentSpec;
    if (approve === undefined) return [];
    const matrix = matrices.get(name);
    const plan = {
      ...{ name, index },
      ...resolveControl(name, agent, references),
      ...(matrix === undefined ? {} : { matrix }),
      prompt: approve.prompt,
      timeout: approve.timeout ?? defaultTimeout,
      onTimeout: approve.default ?? 'reject',
    };
    return [plan];
  });
  return approvals.length === 0 ? {} : { approvals };
}
