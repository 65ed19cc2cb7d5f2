import type { StepInput } from '../../machines/agent-types.ts';
import { maxArgumentLength } from '../spec/fields.ts';
import { displayLine } from '../spec/launch.ts';
import { outputPath } from '../spec/output-text.ts';
import type { AgentPlan } from '../spec/plan.ts';
import type { Continuation } from '../state/continuation.ts';
import type { Round } from '../state/rounds.ts';
import { oneLine } from '../text/text.ts';
import { checkOutputFile, checkTail } from './check-output.ts';
import type { ActorContext } from './context.ts';

type RoundPorts = Pick<ActorContext, 'launchedPlan' | 'rounds' | 'folder' | 'attempts'>;

/** The part of a launch that depends on the round. */
export type RoundLaunch = Pick<AgentPlan, 'command' | 'prompt' | 'env'> & {
  /** The end of the output of the last check; null in the first round. */
  readonly checkOutput: string | null;
};

/** The file with the end of the output of the last check in the container; `agent-init` creates its directory. */
export const checkOutputPath = '/run/agent/check-output';

/**
 * Return what an agent is started with in its attempt. Another round begins with the end of the check's output: an AI CLI gets
 * it in its prompt, a command in a file. A continued conversation has the task already. Everything is data: nothing of it is
 * interpreted here or on its way.
 */
export function roundLaunch(
  context: RoundPorts,
  { name, attempt, round = 1 }: StepInput,
  continued: Continuation | null = null,
): RoundLaunch {
  const plan = context.launchedPlan(name);
  const { check } = plan;
  const last =
    check && context.rounds(name).findLast(entry => entry.attempt < attempt && entry.status !== 'passed');
  const tail = last && checkTail(checkOutputFile(context, { agent: name, attempt: last.attempt }));
  const env = {
    ...plan.env,
    ...(check && { AGENT_ROUND: String(round) }),
    ...(last && { AGENT_CHECK_OUTPUT_FILE: checkOutputPath }),
  };
  const rest = { env, checkOutput: tail ?? null };
  if (continued !== null && continued.end !== 'check') {
    const error = context.attempts(name).find(entry => entry.attempt === continued.attempt)?.error;
    const reason = oneLine(error?.message ?? 'no reason known');
    const prompt = `Continue. ${continueText[continued.end]}: ${reason}${newContainer(plan.output !== undefined)}`;
    return { ...withPrompt(resumed(plan), prompt), ...rest };
  }
  if (plan.provider === 'command' || check === undefined || last === undefined)
    return { command: plan.command, prompt: plan.prompt, ...rest };
  const isContinued = continued !== null;
  const text = (output: string) =>
    isContinued
      ? `${checkText(check.command, last)}\n\n${output}${newContainer(plan.output !== undefined)}`
      : `${plan.prompt}\n\nYour work so far is in the workspace. ${checkText(check.command, last, 'It')}\n\n${output}`;
  return { ...withCheck(isContinued ? resumed(plan) : plan, text, tail ?? ''), ...rest };
}

const checkText = (command: readonly string[], { round, rounds, reason }: Round, subject = 'Your work') =>
  `${subject} was checked with \`${displayLine(command).slice(2)}\` and did not pass in round ${round} of ${rounds}: ${reason}. Continue until the check passes. Its output ends with:`;

/** The prompt of an attempt that continues a conversation after a failure. */
const continueText: Readonly<Record<Exclude<Continuation['end'], 'check'>, string>> = {
  output: 'The result that you have written was not accepted',
  quota: 'You were interrupted by a quota that was used up',
  failure: 'Your last attempt failed',
};

/** Tell a continued conversation that its container is another one. */
const newContainer = (hasOutput: boolean) =>
  `\n\nThis is a new container: it has your workspace, and nothing else that you have written.${hasOutput ? ` Write your result to the file ${outputPath} again before you finish.` : ''}`;

/** Return the plan whose command continues the conversation. */
function resumed(plan: AgentPlan): AgentPlan {
  const { args, promptWords } = plan.conversation!;
  const at = plan.command.length - promptWords;
  return { ...plan, command: [...plan.command.slice(0, at), ...args, ...plan.command.slice(at)] };
}

type Prompted = Pick<AgentPlan, 'command' | 'prompt' | 'stdin' | 'interactive'>;

/** Return whether the prompt is the last argument of the AI CLI. */
export const isArgument = ({ command, prompt, stdin, interactive }: Prompted): boolean =>
  stdin === 'empty' && interactive === null && command.at(-1) === prompt;

/** Replace the prompt of an AI CLI, also in its arguments. */
export const withPrompt = (plan: Prompted, prompt: string): Pick<AgentPlan, 'command' | 'prompt'> => ({
  command: isArgument(plan) ? plan.command.with(-1, prompt) : plan.command,
  prompt,
});

/** Add the output of the check to a prompt, as much of it as there is room for. */
function withCheck(
  plan: Prompted,
  text: (output: string) => string,
  tail: string,
): Pick<AgentPlan, 'command' | 'prompt'> {
  const { command, prompt } = plan;
  if (prompt === null) return { command, prompt };
  const room = isArgument(plan) ? maxArgumentLength - Buffer.byteLength(text('')) : Number.POSITIVE_INFINITY;
  return room < 0 ? { command, prompt } : withPrompt(plan, text(lastBytes(tail, room)));
}

function lastBytes(text: string, count: number): string {
  const bytes = Buffer.from(text);
  // A character that is cut becomes a replacement character, which may be longer.
  return bytes.length <= count ? text : bytes.subarray(bytes.length - Math.max(0, count - 8)).toString();
}
