import type { CliEvent, Parser } from '../cli-event.ts';
import { failure, notice, toolCall, toolResult } from '../cli-event.ts';
import { oneLine } from '../display.ts';
import { firstText, type JsonObject, numberOf, objectOf, textOf } from '../json.ts';
import type { FailureKind } from '../report.ts';

/** Gemini CLI's `--output-format stream-json`. */
export const geminiParser = (): Parser => event => {
  switch (event.type) {
    case 'message':
      return event.role === 'assistant' ? [{ type: 'chunk', text: textOf(event.content) }] : [];
    case 'tool_use':
      return [toolCall(textOf(event.tool_name), objectOf(event.parameters))];
    case 'tool_result':
      return [
        toolResult(firstText(objectOf(event.error).message, event.output) ?? '', event.status === 'error'),
      ];
    case 'error':
      return [notice(oneLine(textOf(event.message)))];
    case 'result':
      return result(event);
    default:
      return [];
  }
};

/** Their exit codes are 41 and 53. */
const kinds: Readonly<Record<string, FailureKind>> = {
  FatalAuthenticationError: 'authentication',
  FatalTurnLimitedError: 'budget',
};

function result({ status, stats, error }: JsonObject): CliEvent[] {
  const { input_tokens: input, cached, output_tokens: output } = objectOf(stats);
  const { message, type } = objectOf(error);
  const usage = {
    inputTokens: numberOf(input),
    cachedInputTokens: numberOf(cached),
    outputTokens: numberOf(output),
  };
  return [
    { type: 'chunk', text: '\n' },
    { type: 'usage', usage },
    ...(status === 'success' ? [] : [failure(textOf(message), kinds[textOf(type)] ?? null)]),
  ];
}
