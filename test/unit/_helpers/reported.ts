import type { AgentReport } from '../../../src/agent-cli/report.ts';
import { createReporter, type Exit } from '../../../src/agent-cli/reporter.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import type { ReportPlan } from '../../../src/spec/plan.ts';
import { reportOf } from '../../../src/spec/report-plan.ts';

export const now = new Date(2026, 10, 25, 13, 30, 20).getTime();

/** Report on a CLI that prints these lines, and exits with a code or by the signal that ends it. */
export function reported(
  { report: provided }: Pick<Provider, 'report'>,
  lines: readonly unknown[],
  { exit = { code: 0 }, isSlow = false, ...more }: Options = {},
) {
  let printed = '';
  let report: AgentReport | null = null;
  let ended = 0;
  const plan: ReportPlan = { ...reportOf({ report: provided, model: null }, {})!, ...more };
  const reporter = createReporter(plan, {
    write: text => {
      printed += text;
    },
    save: saved => {
      report = saved;
    },
    endCli: () => {
      ended += 1;
    },
    now: () => now,
  });
  for (const line of lines) reporter.line(typeof line === 'string' ? line : JSON.stringify(line));
  if (isSlow) reporter.wallExceeded();
  const end = reporter.finish(ended > 0 ? { signal: 'SIGTERM' } : exit);
  return { printed, report: report as AgentReport | null, exit: end, ended };
}

interface Options extends Pick<ReportPlan, 'budget' | 'model' | 'baseline'> {
  readonly exit?: Exit;
  /** The CLI runs for longer than its budget. */
  readonly isSlow?: boolean;
}
