import { formatUsd } from '../prices/cost.ts';
import { loadSpec } from '../spec/load.ts';
import { isApproval, isForEach, itemOf, type MemberPlan, membersOf } from '../spec/members.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { specName } from '../spec/spec-text.ts';
import { listLabel } from '../text/list-label.ts';
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
    else printLine(`${specName(spec)} is valid: ${namesOf(plan)}${ofRun(plan)}`);
    return 0;
  },
};

/** The names of agents for items are not known before the run. */
const namesOf = (plan: FlowPlan) =>
  membersOf(plan)
    .filter(member => itemOf(member) === undefined)
    .map(nameAndLimit)
    .join(', ');

function nameAndLimit(member: MemberPlan): string {
  if (isApproval(member)) return `${member.name} (approval)`;
  if (isForEach(member)) return `${member.name} (${listLabel(member)})`;
  const { name, report } = member;
  return report?.budget?.usd === undefined ? name : `${name} (at most ${formatUsd(report.budget.usd)})`;
}

const ofRun = ({ maxUsd }: FlowPlan) =>
  maxUsd === undefined ? '' : `; at most ${formatUsd(maxUsd)} for all agents together`;
