import { formatUsd } from '../prices/cost.ts';
import { loadSpec } from '../spec/load.ts';
import { isApproval, type MemberPlan, membersOf } from '../spec/members.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { specName } from '../spec/spec-text.ts';
import { type Command, type CommonOptions, printJson, printLine, specPath } from './command.ts';

interface ValidateOptions extends CommonOptions {
  readonly spec: string;
  readonly json: boolean;
}

export const validate: Command = {
  options: yargs =>
    yargs.positional('spec', specPath).option('json', {
      type: 'boolean',
      default: false,
      describe: 'Print the resolved plan as one line of JSON',
    }),

  async handler({ spec, json }: ValidateOptions) {
    const plan = await loadSpec(spec, { env: process.env });
    if (json) printJson(plan);
    else
      printLine(`${specName(spec)} is valid: ${membersOf(plan).map(nameAndLimit).join(', ')}${ofRun(plan)}`);
    return 0;
  },
};

function nameAndLimit(member: MemberPlan): string {
  if (isApproval(member)) return `${member.name} (approval)`;
  const { name, report } = member;
  return report?.budget?.usd === undefined ? name : `${name} (at most ${formatUsd(report.budget.usd)})`;
}

const ofRun = ({ maxUsd }: FlowPlan) =>
  maxUsd === undefined ? '' : `; at most ${formatUsd(maxUsd)} for all agents together`;
