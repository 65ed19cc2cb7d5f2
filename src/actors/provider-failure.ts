import type { StepInput } from '../../machines/agent-types.ts';
import type { EndRecord } from '../../machines/outcome.ts';
import { exceededLimit } from '../agent-cli/budget.ts';
import type { Provider } from '../providers/provider.ts';
import { refusedKey } from '../providers/refused-key.ts';
import type { AgentPlan } from '../spec/plan.ts';
import type { AgentReport } from '../transcript/agent-report.ts';
import { reportOf, tokenLimits } from './budget.ts';
import type { ActorContext } from './context.ts';

/** Return the failure that the AI CLI reports, with a hint. */
export function providerFailureOf(
  { secrets }: Pick<AgentPlan, 'secrets'>,
  { provider, report }: { provider: Provider | undefined; report: AgentReport | null },
): NonNullable<EndRecord['providerFailure']> | null {
  if (!report?.failure || provider === undefined) return null;
  const { kind, message, resetsAt } = report.failure;
  const { title, login } = provider;
  if (kind === 'needsInput') return { kind, message: `${title} ${message}`, until: null };
  const given = secrets.map(({ name }) => name);
  const hint =
    kind === 'authentication'
      ? `. Set ${refusedKey(provider, given)}${login[0] ? `, or log in here (~/${login[0]})` : ''}`
      : kind === 'quota' && resetsAt === null
        ? '. Run it again when its plan is there again'
        : '';
  const reason = hint === '' ? message : message.replace(/\.+$/, '');
  return { kind, message: `${title}: ${reason}${hint}`, until: resetsAt };
}

/** Return the record with the failure of an attempt that has used more than its budget, by the count of the broker. */
export async function withCountedBudget(
  context: Pick<ActorContext, 'plan' | 'provider' | 'networks' | 'shareOfBudget'>,
  input: StepInput,
  record: EndRecord,
): Promise<EndRecord> {
  const usage = context.networks.counted(input.name, input.attempt);
  if (usage === null || record.providerFailure?.kind === 'budget') return record;
  const limits = tokenLimits(await reportOf(context, input));
  const exceeded = limits && exceededLimit(limits, usage);
  if (exceeded === null) return record;
  const { title } = context.provider(input.name)!;
  // As agent-report does: a CLI may exit with 0 although its calls were refused.
  const code = record.code === 0 ? 1 : record.code;
  return {
    ...record,
    code,
    providerFailure: { kind: 'budget', message: `${title}: over its budget: ${exceeded}`, until: null },
  };
}
