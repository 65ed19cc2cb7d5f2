import type { Provider } from '../providers/provider.ts';
import { reportsUsage } from '../providers/report.ts';
import type { BudgetPlan, ReportPlan } from './plan.ts';
import type { AgentSpec } from './schema.ts';

/** Return the configuration of agent-report for an AI CLI; null if its output is shown unchanged. */
export function reportOf(
  { report, model: option }: Pick<Provider, 'report' | 'model'>,
  { model: given, args = [], budget }: Pick<AgentSpec, 'model' | 'args' | 'budget'>,
): ReportPlan | null {
  if (report === null) return null;
  const { model: byDefault, ...patterns } = report;
  const model = given ?? modelIn(args, option) ?? (choosesModel(args) ? undefined : byDefault);
  return {
    ...patterns,
    ...(reportsUsage(report) ? {} : { usage: false as const }),
    ...(model === undefined ? {} : { model }),
    ...(budget === undefined ? {} : { budget: withoutUndefined(budget) }),
  };
}

/** Return the model that further arguments of the CLI select by its option; undefined if they do not. */
function modelIn(args: readonly string[], option: string | null): string | undefined {
  if (option === null) return undefined;
  const at = args.findLastIndex(arg => arg === option || arg.startsWith(`${option}=`));
  if (at < 0) return undefined;
  return args[at] === option ? args[at + 1] : args[at]!.slice(option.length + 1);
}

/** Return whether arguments may select a model in another way, such as by a profile. */
const choosesModel = (args: readonly string[]) =>
  args.some(arg => /model|profile|provider|--oss|^-[mp]/.test(arg));

const withoutUndefined = ({
  turns,
  outputTokens,
  wall,
  usd,
}: NonNullable<AgentSpec['budget']>): BudgetPlan => ({
  ...(turns === undefined ? {} : { turns }),
  ...(outputTokens === undefined ? {} : { outputTokens }),
  ...(wall === undefined ? {} : { wall }),
  ...(usd === undefined ? {} : { usd }),
});
