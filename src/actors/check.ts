import type { StepInput } from '../../machines/agent-types.ts';
import type { CheckResult } from '../../machines/check.ts';
import { StepError } from '../../machines/step-error.ts';
import type { RunEventBody } from '../events.ts';
import { type CheckContainerPorts, removeCheck, runCheck } from './check-container.ts';
import { type CheckOutputPorts, keepCheckOutput } from './check-output.ts';
import { checkResultOf } from './check-result.ts';
import { type ActorContext, owner } from './context.ts';
import { secretsOf } from './secrets.ts';

export type CheckPorts = CheckContainerPorts &
  CheckOutputPorts &
  Pick<ActorContext, 'plan' | 'rounds' | 'vault' | 'emit'>;

/**
 * Check the saved work of an attempt in a container of its own. Done once: its result is journaled before it has
 * consequences. A check that cannot be run has no result, and rejects.
 */
export async function check(
  context: CheckPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<CheckResult> {
  const { name: agent, attempt, round = 1 } = input;
  const known = context.rounds(agent).find(entry => entry.attempt === attempt);
  if (known) return pick(known);
  // Without them its output could not be redacted.
  secretsOf(context, agent);
  const ended = await runCheck(context, input, signal);
  const result = await checkResultOf(context, input, ended, signal);
  if (result === null) {
    // Another try runs the check again.
    await removeCheck(context, owner(input), ended.id);
    throw new StepError('transient', 'the container of the check was ended from outside');
  }
  const transcript = await keepCheckOutput(context, input, ended.id, signal);
  const { rounds } = context.plan(agent).check!;
  const event: Ended = {
    ...{ type: 'check.ended', agent, attempt, round, rounds },
    ...{ ...result, ms: ended.ms, transcript },
  };
  await context.emit(event);
  // The end of the run removes one that is left.
  await removeCheck(context, owner(input), ended.id).catch(() => {});
  return result;
}

type Ended = Extract<RunEventBody, { type: 'check.ended' }>;

const pick = ({ status, exitCode, reason }: CheckResult): CheckResult => ({ status, exitCode, reason });
