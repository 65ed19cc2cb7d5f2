import type { DryRun } from '../dry-run/dry-run.ts';
import type { Step } from '../dry-run/recording.ts';
import { controlOf } from '../spec/control-plan.ts';
import {
  approveOf,
  forEachOf,
  inputsOf,
  isApproval,
  isForEach,
  itemOf,
  type MemberPlan,
} from '../spec/members.ts';
import { type ReceiverPlan, receiverTitle } from '../spec/notify-plan.ts';
import { formatDuration } from '../spec/units.ts';
import { matrixLabel, startLabel } from '../state/control-label.ts';
import { itemName } from '../text/item-name.ts';
import { listLabel } from '../text/list-label.ts';
import { shellWord } from '../text/shell-quote.ts';

export interface PlanTitle {
  readonly name: string;
  /** The docker context of its engine; null for the current one. */
  readonly context: string | null;
  /** The budget of the run, for people; null without one. */
  readonly budget: string | null;
  /** The receivers of notifications. */
  readonly notify?: readonly ReceiverPlan[] | undefined;
  /** The agents and approvals. */
  readonly agents: readonly MemberPlan[];
}

/** Render a dry run as a bash script to read, or to run with `bash -e`. */
export function planScript(
  { name, context, budget, agents, notify = [] }: PlanTitle,
  { runId, steps, names }: DryRun,
): string {
  const headings = new Map(agents.map(agent => [agent.name, headingOf(agent)]));
  const isConditional = agents.some(agent => startLabel(agent) !== '');
  const lines = [
    `# ${oneLine(name)}: commands of a run in which every agent succeeds, one agent at a time. Run id: ${runId}`,
    ...(budget === null ? [] : [`# ${budget}`]),
    ...notify.map(plan => `# Notifies ${receiverTitle(plan)} of: ${plan.on.join(', ')}`),
    ...agents.flatMap(approvalLine),
    ...agents.flatMap(listLine),
    ...(isConditional ? ['# Agents with a condition are shown as if it held.'] : []),
    ...(agents.some(agent => inputsOf(agent).length > 0)
      ? ['# Values of other agents and of items, ${agents.…} and ${item}, are not known before the run.']
      : []),
    'set -eu',
    // Like every docker call of a run.
    'unset DOCKER_DEFAULT_PLATFORM',
    ...(context === null ? [] : ['unset DOCKER_HOST', `export DOCKER_CONTEXT=${shellWord(context)}`]),
  ];
  let agent: string | null | undefined;
  for (const step of steps) {
    if (step.agent !== agent)
      lines.push('', `# ${step.agent === null ? 'for all agents' : headings.get(step.agent)}`);
    agent = step.agent;
    lines.push(shellLine(step, names));
  }
  return `${lines.join('\n')}\n`;
}

/** Return the name of an agent, with its values of a matrix and when it starts. */
function headingOf(agent: MemberPlan): string {
  const values = matrixLabel(agent);
  const inputs = inputsOf(agent);
  const reads = inputs.length === 0 ? [] : [`reads ${inputs.join(', ')}`];
  const start = [startLabel(agent), ...reads].filter(Boolean).join('; ');
  return oneLine(`${agent.name}${values && ` (${values})`}${start && `: ${start}`}`);
}

/** Describe an approval, which no docker command shows. */
function approvalLine(member: MemberPlan): string[] {
  if (!isApproval(member)) return [];
  const { dependsOn, prompt, timeout, onTimeout, isGranted } = member;
  const after = dependsOn.length === 0 ? '' : ` after ${dependsOn.join(', ')}`;
  const end = isGranted
    ? 'approved by --yes'
    : `${onTimeout === 'approve' ? 'approved' : 'rejected'} after ${formatDuration(timeout)}`;
  return [`# ${headingOf(member)}: waits for approval${after}: ${oneLine(prompt)} (${end})`];
}

/** Describe an agent that becomes others, which are not known before the run. */
function listLine(member: MemberPlan): string[] {
  if (!isForEach(member)) return [];
  const first = itemName(member.name, 1);
  return [
    `# ${headingOf(member)}: an agent ${listLabel(member)}. They are not known before the run: the commands of ${first} stand for all.`,
  ];
}

/** Render a dry run as JSON. An argument that an earlier step printed is `{from: name}`, with its suffix as `then`. */
export function planData(agents: readonly MemberPlan[], { runId, steps, names }: DryRun): unknown {
  const datum = (text: string) => {
    const printed = printedIn(text, names);
    if (printed === null) return text;
    return { from: printed.name, ...(printed.rest === '' ? {} : { then: printed.rest }) };
  };
  const data = steps.map(({ args, endsFor, ...step }) => ({
    ...step,
    args: args.map(datum),
    ...(endsFor === undefined ? {} : { endsFor: datum(endsFor) }),
  }));
  const shown = agents.filter(agent => (itemOf(agent)?.index ?? 1) === 1);
  const control = shown.map(agent => ({
    name: agent.name,
    dependsOn: agent.dependsOn,
    ...controlOf(agent),
    ...approveOf(agent),
    ...forEachOf(agent),
  }));
  return { version: 1, runId, agents: control, steps: data };
}

function shellLine(
  { program, args, input, prints, expects, endsFor, unpacks }: Step,
  names: DryRun['names'],
): string {
  const word = (text: string) => {
    const printed = printedIn(text, names);
    if (printed === null) return shellWord(text);
    return `"$${variable(printed.name)}"${printed.rest === '' ? '' : shellWord(printed.rest)}`;
  };
  const command = wrapped([program ?? 'docker', ...args].map(word));
  const fallback = endsFor === undefined ? '' : ` || docker wait ${word(endsFor)}`;
  const fed = input === undefined ? `${command}${fallback}` : feed(command, input, fallback);
  if (unpacks !== undefined) return `${fed} | tar -x -C ${shellWord(unpacks)}`;
  if (prints !== undefined) return `${variable(prints)}=$(${fed})`;
  return expects === undefined ? fed : `test "$(${fed})" = ${shellWord(expects)}`;
}

/** Find the id that an earlier step printed, alone or before a colon: `ID:/workspace`, `ID:ro`. */
function printedIn(text: string, names: DryRun['names']): { name: string; rest: string } | null {
  const at = text.indexOf(':');
  const id = at < 0 ? text : text.slice(0, at);
  const name = names.get(id);
  return name === undefined ? null : { name, rest: text.slice(id.length) };
}

/** Put the flags of a long command on lines of their own. */
function wrapped(words: readonly string[]): string {
  const line = words.join(' ');
  const first = words.findIndex(word => word.startsWith('-'));
  if (line.length <= 200 || first < 0) return line;
  return [words.slice(0, first).join(' '), ...words.slice(first)].join(' \\\n  ');
}

/** Feed input as a here-document, or with `printf` if that would change its bytes. */
function feed(command: string, input: string, fallback: string): string {
  const delimiter = 'END_OF_INPUT';
  const exact = input.endsWith('\n') && !input.split('\n').includes(delimiter);
  return exact
    ? `${command} <<'${delimiter}'${fallback}\n${input}${delimiter}`
    : `printf %s ${shellWord(input)} | ${command}${fallback}`;
}

const variable = (name: string) => name.replaceAll('-', '_');

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ');
