import type { StepInput } from '../../machines/agent-types.ts';
import { maxArgumentLength } from '../spec/fields.ts';
import { oneLine } from '../text/text.ts';
import type { ActorContext } from './context.ts';
import { isArgument, type RoundLaunch, withPrompt } from './round-prompt.ts';

type CorrectionPorts = Pick<ActorContext, 'launchedPlan' | 'correction'>;

/**
 * Add to the prompt why the output of an earlier attempt does not count. The problem is bounded, and has no secret: an output
 * that contains one is not validated. It is data: nothing of it is interpreted here or on its way.
 */
export function withCorrection(
  context: CorrectionPorts,
  { name, attempt }: StepInput,
  launch: RoundLaunch,
): RoundLaunch {
  const { output, stdin, interactive, workspace } = context.launchedPlan(name);
  const { command, prompt } = launch;
  const prompted = { command, prompt, stdin, interactive };
  const correction = output === undefined ? null : context.correction(name, attempt);
  if (correction === null || prompt === null) return launch;
  const isSaved = workspace.mode === 'clone' || workspace.mode === 'copy' || workspace.mode === 'bind';
  const next = [
    prompt,
    '',
    `You have worked on this before, and the result that you have written was not accepted: ${oneLine(correction.problem)}.`,
    ...(isSaved ? ['Your work so far is in the workspace.'] : []),
    'Write the whole result again, as a file that is accepted.',
    '',
  ].join('\n');
  if (isArgument(prompted) && Buffer.byteLength(next) > maxArgumentLength) return launch;
  return { ...launch, ...withPrompt(prompted, next) };
}
