import type { StepInput } from '../../machines/agent-types.ts';
import { dockerError } from '../docker/classify-error.ts';
import { conversationPath } from '../spec/conversation-script.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { type Continuation, continuationOf, usageBefore } from '../state/continuation.ts';
import { isAbsent, readFile } from '../store/state-files.ts';
import { type ActorContext, owner } from './context.ts';
import { conversationFile } from './keep-conversation.ts';

export type ContinuePorts = Pick<ActorContext, 'plan' | 'folder' | 'attempts' | 'emit' | 'docker'>;

/**
 * Return the attempt whose conversation this one continues, once that is in the journal, and its conversation is in the
 * container of this one; null if it begins a new one. A conversation that was not kept is a warning, and the decision stays.
 */
export async function continueConversation(
  context: ContinuePorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<Continuation | null> {
  const { name: agent, attempt } = input;
  const plan = context.plan(agent);
  if (plan.conversation === undefined) return null;
  const attempts = context.attempts(agent);
  const continued = continuationOf(plan, attempts, attempt);
  if (continued === null || !plan.conversation.after.includes(continued.end)) return null;
  const known = attempts.find(entry => entry.attempt === attempt)?.continues ?? null;
  if (known !== null && known.problem !== null) return null;
  const kept = readKept(context, agent, continued.attempt);
  if ('problem' in kept) {
    const { problem } = kept;
    const message = `attempt ${attempt} begins a new conversation, since that of attempt ${continued.attempt} was not kept: ${problem}`;
    await context.emit({ type: 'warning', agent, message });
    await context.emit({ type: 'conversation.continued', agent, attempt, of: continued.attempt, problem });
    return null;
  }
  await send(context, input, kept.archive, signal);
  if (known === null)
    await context.emit({
      type: 'conversation.continued',
      agent,
      attempt,
      of: continued.attempt,
      problem: null,
    });
  return continued;
}

type Kept = { readonly archive: Buffer } | { readonly problem: string };

function readKept(context: ContinuePorts, agent: string, attempt: number): Kept {
  const { conversation = null } = context.attempts(agent).find(entry => entry.attempt === attempt) ?? {};
  if (conversation === null) return { problem: 'its container was gone' };
  if (conversation.problem !== null) return { problem: conversation.problem };
  try {
    return { archive: readFile(conversationFile(context, agent, attempt)) };
  } catch (error) {
    if (isAbsent(error)) return { problem: 'its file is missing' };
    throw error;
  }
}

/** As the user of the agent. One that runs already has the conversation, and has removed the archive. */
const receive = `[ -d /run/agent/started ] || {
umask 077 && mkdir -p /run/agent && cat >${conversationPath}.making && mv ${conversationPath}.making ${conversationPath}
}`;

async function send({ docker }: ContinuePorts, input: StepInput, archive: Buffer, signal: AbortSignal) {
  const args = ['exec', '--interactive', input.containerId!, 'sh', '-c', receive];
  const options = { signal, scope: owner(input), isMutation: true, input: archive, timeout: 120_000 };
  const result = await docker(args, options);
  if (!result.ok)
    throw dockerError(result, { operation: 'copy the conversation in', fallbackKind: 'transient' });
}

/** Return the configuration of the parser for a CLI whose report includes the conversation before. */
export function withBaseline(
  { attempts }: Pick<ActorContext, 'attempts'>,
  { name, attempt }: StepInput,
  report: AgentPlan['report'],
): AgentPlan['report'] {
  const before = usageBefore(attempts(name), attempt);
  if (report === null || before === null) return report;
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, costUsd } = before;
  const written = cacheWriteTokens === undefined ? {} : { cacheWriteTokens };
  return { ...report, baseline: { inputTokens, cachedInputTokens, ...written, outputTokens, costUsd } };
}
