import type { StepInput } from '../../machines/agent-types.ts';
import { maxArgumentLength } from '../spec/fields.ts';
import { displayLine } from '../spec/launch.ts';
import type { AgentPlan } from '../spec/plan.ts';
import type { Round } from '../state/rounds.ts';
import { checkOutputFile, checkTail } from './check-output.ts';
import type { ActorContext } from './context.ts';

type RoundPorts = Pick<ActorContext, 'launchedPlan' | 'rounds' | 'folder'>;

/** The part of a launch that depends on the round. */
export type RoundLaunch = Pick<AgentPlan, 'command' | 'prompt' | 'env'> & {
  /** The end of the output of the last check; null in the first round. */
  readonly checkOutput: string | null;
};

/** The file with the end of the output of the last check in the container; `agent-init` creates its directory. */
export const checkOutputPath = '/run/agent/check-output';

/**
 * Return what an agent is started with in its round. Another round begins with the end of the check's output: an AI CLI gets
 * it in its prompt, a command in a file. It is data: nothing of it is interpreted here or on its way.
 */
export function roundLaunch(context: RoundPorts, { name, attempt, round = 1 }: StepInput): RoundLaunch {
  const plan = context.launchedPlan(name);
  const { command, prompt, env } = plan;
  if (plan.check === undefined) return { command, prompt, env, checkOutput: null };
  const numbered = { ...env, AGENT_ROUND: String(round) };
  const last = context.rounds(name).findLast(entry => entry.attempt < attempt && entry.status !== 'passed');
  if (last === undefined) return { command, prompt, env: numbered, checkOutput: null };
  const tail = checkTail(checkOutputFile(context, { agent: name, attempt: last.attempt }));
  return {
    ...(plan.provider === 'command' ? { command, prompt } : withCheck(plan, plan.check.command, last, tail)),
    env: { ...numbered, AGENT_CHECK_OUTPUT_FILE: checkOutputPath },
    checkOutput: tail,
  };
}

/** Add the result of the check to the prompt, which some AI CLIs take as their last argument. */
function withCheck(
  { command, prompt, stdin, interactive }: AgentPlan,
  checked: readonly string[],
  { round, rounds, reason }: Round,
  tail: string,
): Pick<AgentPlan, 'command' | 'prompt'> {
  if (prompt === null) return { command, prompt };
  const isArgument = stdin === 'empty' && interactive === null && command.at(-1) === prompt;
  const text = (output: string) =>
    [
      prompt,
      '',
      `Your work so far is in the workspace. It was checked with \`${displayLine(checked).slice(2)}\` and did not pass in round ${round} of ${rounds}: ${reason}. Continue until the check passes. Its output ends with:`,
      '',
      output,
    ].join('\n');
  const room = isArgument ? maxArgumentLength - Buffer.byteLength(text('')) : Number.POSITIVE_INFINITY;
  const next = room < 0 ? prompt : text(lastBytes(tail, room));
  return { command: isArgument ? command.with(-1, next) : command, prompt: next };
}

function lastBytes(text: string, count: number): string {
  const bytes = Buffer.from(text);
  // A character that is cut becomes a replacement character, which may be longer.
  return bytes.length <= count ? text : bytes.subarray(bytes.length - Math.max(0, count - 8)).toString();
}
