import type { CliEvent, Parser } from '../cli-event.ts';
import { failure, modelNamed, notice, text, toolCall, toolResult } from '../cli-event.ts';
import { oneLine } from '../display.ts';
import { firstText, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import type { FailureKind } from '../report.ts';

/** Cline's `--json`. It prints its errors again at its end, with fewer details. */
export const clineParser = (): Parser => event => {
  switch (event.type) {
    case 'run_result':
      return [
        ...modelNamed(textOf(objectOf(event.model).id)),
        ...(event.finishReason === 'completed'
          ? []
          : [failure(firstText(event.text, event.finishReason) ?? '', null, { isFirstOnly: true })]),
      ];
    case 'error':
      return [failure(textOf(event.message), null, { isFirstOnly: true })];
    case 'agent_event':
      return agentEvent(objectOf(event.event));
    default:
      return [];
  }
};

function agentEvent(event: JsonObject): CliEvent[] {
  const isTool = event.contentType === 'tool';
  switch (event.type) {
    case 'content_start':
      return isTool ? [toolCall(textOf(event.toolName), inputOf(objectOf(event.input)))] : [];
    case 'content_end':
      if (isTool) return [result(event)];
      return event.contentType === 'text' ? [text(textOf(event.text))] : [];
    case 'usage':
      return [{ type: 'usage', usage: usageIn(event) }];
    case 'iteration_end':
      return [{ type: 'usage', usage: { turns: numberOf(event.iteration) } }];
    case 'error':
      return [error(event)];
    default:
      return [];
  }
}

const inputOf = (input: JsonObject): JsonObject =>
  Array.isArray(input.commands) ? { command: input.commands.join('; ') } : input;

function result({ output, error }: JsonObject): CliEvent {
  const results = Array.isArray(output) ? listOf(output) : [output];
  const lines = results.map(each => {
    const { result, error } = objectOf(each);
    return typeof each === 'string' ? each : textOf(result ?? error);
  });
  const isError = error !== undefined || results.some(each => objectOf(each).success === false);
  return toolResult(lines.join('\n'), isError);
}

const usageIn = (event: JsonObject) => ({
  inputTokens: numberOf(event.totalInputTokens),
  cachedInputTokens: numberOf(event.totalCacheReadTokens),
  cacheWriteTokens: numberOf(event.totalCacheWriteTokens),
  outputTokens: numberOf(event.totalOutputTokens),
  // The cost of a model without a known price is 0.
  ...(numberOf(event.totalCost) > 0 ? { costUsd: numberOf(event.totalCost) } : {}),
});

const kinds: Readonly<Record<string, FailureKind>> = {
  auth: 'authentication',
  rate_limit: 'quota',
  quota: 'quota',
  billing: 'quota',
};

function error({ error, errorClass, recoverable }: JsonObject): CliEvent {
  const message = firstText(objectOf(error).message, error) ?? '';
  return recoverable ? notice(oneLine(message)) : failure(message, kinds[textOf(errorClass)] ?? null);
}
