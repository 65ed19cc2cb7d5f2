import type { StepInput } from '../../machines/agent-types.ts';
import type { CheckResult } from '../../machines/check.ts';
import { checkCodeFile } from '../agent-container/check-args.ts';
import { readOutput } from '../docker/stream.ts';
import { formatDuration } from '../spec/units.ts';
import type { EndedCheck } from './check-container.ts';
import { firstContent } from './collect.ts';
import { type ActorContext, owner } from './context.ts';

type ResultPorts = Pick<ActorContext, 'plan' | 'recorder'>;

/** Return the result of a check that has ended; null if it was ended from outside, which says nothing about the work. */
export async function checkResultOf(
  context: ResultPorts,
  input: StepInput,
  ended: EndedCheck,
  signal: AbortSignal,
): Promise<CheckResult | null> {
  const { timeout } = context.plan(input.name).check!;
  const { exitCode, oomKilled } = ended.container;
  if (ended.isOverdue || (exitCode === killed && ended.ms >= timeout)) {
    const reason = `it ran past its limit of ${formatDuration(timeout)}, "check.timeout"`;
    return { status: 'timedOut', exitCode: null, reason };
  }
  if (exitCode === 0) return { status: 'passed', exitCode, reason: null };
  const failed = (reason: string): CheckResult => ({ status: 'failed', exitCode, reason });
  if (oomKilled) return failed('a process of it was killed: out of memory. Raise "memory"');
  if (signalled.includes(exitCode) && !(await hasExited(context, input, ended, signal))) return null;
  return failed(`it exited with ${exitCode}${hints[exitCode] ?? ''}`);
}

/** Exit codes of containers that were ended by a signal; a command may exit with them by itself. */
const killed = 137;
const signalled = [killed, 143];

const hints: Readonly<Record<number, string>> = {
  126: ': command cannot be executed',
  127: ': command not found in the container',
};

/** Return whether the command itself has ended, so that its exit code was kept. */
async function hasExited(
  { recorder }: ResultPorts,
  input: StepInput,
  { id, container: { exitCode } }: EndedCheck,
  signal: AbortSignal,
): Promise<boolean> {
  const options = { signal, scope: owner(input), timeout: 30_000 };
  const { stdout } = await readOutput(recorder, ['cp', `${id}:${checkCodeFile}`, '-'], 4096, options);
  signal.throwIfAborted();
  return (await firstContent(stdout)).trim() === String(exitCode);
}
