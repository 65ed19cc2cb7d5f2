import { type JsonObject, textOf } from './json.ts';
import type { FailureKind, ReportedFailure } from './report.ts';
import { parseResetTime } from './reset-time.ts';

const kinds: Readonly<Record<string, FailureKind>> = {
  rate_limit: 'quota',
  authentication_failed: 'authentication',
};

/** Parse the input of Claude Code's `StopFailure` hook; null if another attempt may succeed. */
export function turnFailure(hook: JsonObject, now: number): ReportedFailure | null {
  const error = textOf(hook.error);
  const kind = kinds[error];
  if (kind === undefined) return null;
  const message = textOf(hook.last_assistant_message) || error;
  return { kind, message, resetsAt: kind === 'quota' ? parseResetTime(message, now) : null };
}
