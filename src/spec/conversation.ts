import type { Provider } from '../providers/provider.ts';
import type { ContinuedEnd, ConversationPlan } from './conversation-plan.ts';
import { isObject } from './fields.ts';
import type { Finding, Path } from './findings.ts';
import type { AgentSpec } from './schema.ts';

type Fields = Readonly<Record<string, unknown>>;

type Request = Pick<AgentSpec, 'check' | 'output' | 'onRetry' | 'retries' | 'interactive' | 'workspace'>;

/** Return how an agent continues its conversation; nothing if it never does. */
export function resolveConversation(
  provider: Provider | undefined,
  { check, output, onRetry, retries = 0, interactive = false, workspace = '.' }: Request,
): { conversation?: ConversationPlan } {
  if (provider?.conversation === undefined || interactive) return {};
  const keepsWork = !hasNoWork(workspace);
  const after: ContinuedEnd[] = [
    ...((check?.rounds ?? 1) > 1 && check?.continue !== 'fresh' ? (['check'] as const) : []),
    ...(output === undefined ? [] : (['output'] as const)),
    ...(keepsWork && onRetry !== 'restart' ? (['quota'] as const) : []),
    ...(keepsWork && onRetry === 'continue' && retries > 0 ? (['failure'] as const) : []),
  ];
  if (after.length === 0) return {};
  const { files, args, omit } = provider.conversation;
  const { prompt } = provider.headless;
  const promptWords = prompt === 'stdin' ? 0 : 2;
  return { conversation: { files, args, promptWords, ...(omit === undefined ? {} : { omit }), after } };
}

/** Return whether nothing of the workspace is left once the container of an agent is removed. */
const hasNoWork = (workspace: unknown) =>
  isObject(workspace) && workspace.mode === 'none' && workspace.onHost !== true;

/** Check that an agent has something to continue. */
export function checkConversation(
  { path, fields }: { path: Path; fields: Fields },
  { shared, provider }: { shared: Fields; provider: Provider | undefined },
): Finding[] {
  const { check = shared.check, interactive = shared.interactive } = fields;
  const { onRetry = shared.onRetry, workspace = shared.workspace } = fields;
  const found: Finding[] = [];
  if (isObject(check) && check.continue === 'conversation') {
    const reason = noConversation(provider, interactive === true);
    if (reason !== null) {
      const from = 'check' in fields ? [...path, 'check', 'continue'] : path;
      found.push({ path: from, message: `${reason}; drop this, or write "fresh"` });
    }
  }
  if (onRetry === 'continue' && hasNoWork(workspace)) {
    const from = 'onRetry' in fields ? [...path, 'onRetry'] : path;
    found.push({ path: from, message: 'nothing of the work is kept with "mode": "none"; drop this' });
  }
  return found;
}

function noConversation(provider: Provider | undefined, isInteractive: boolean): string | null {
  if (provider === undefined) return 'a command has no conversation';
  if (provider.conversation === undefined) return `${provider.name} cannot continue a conversation`;
  return isInteractive ? 'an interactive agent cannot continue its conversation in a new container' : null;
}
