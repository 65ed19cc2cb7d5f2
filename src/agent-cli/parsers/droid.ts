import type { CliEvent, Parser } from '../cli-event.ts';
import { failure, kindOfStatus, modelNamed, text, toolCall, toolResult } from '../cli-event.ts';
import { firstText, type JsonObject, numberOf, objectOf, textOf } from '../json.ts';

/** Droid's `exec --output-format stream-json`. */
export const droidParser = (): Parser => event => {
  switch (event.type) {
    case 'system':
      return modelNamed(textOf(event.model));
    case 'message':
      return event.role === 'assistant' && textOf(event.text) !== '' ? [text(textOf(event.text))] : [];
    case 'tool_call':
      return [toolCall(textOf(event.toolName), objectOf(event.parameters))];
    case 'tool_result':
      return [
        toolResult(firstText(objectOf(event.error).message, event.value) ?? '', event.isError === true),
      ];
    case 'completion':
      return completed(event);
    case 'error':
      return [error(textOf(event.message))];
    default:
      return [];
  }
};

function completed({ usage, numTurns }: JsonObject): CliEvent[] {
  const spent = objectOf(usage);
  const cached = numberOf(spent.cache_read_input_tokens);
  const input = numberOf(spent.input_tokens) + numberOf(spent.cache_creation_input_tokens) + cached;
  return [
    { type: 'recovered' },
    {
      type: 'usage',
      usage: {
        turns: numberOf(numTurns),
        inputTokens: input,
        cachedInputTokens: cached,
        outputTokens: numberOf(spent.output_tokens),
      },
    },
  ];
}

/** Its last error is a general one; the message before it has the status: `401 Incorrect API key provided.` */
const error = (message: string) =>
  failure(message, kindOfStatus(Number(/^\d{3}\b/.exec(message)?.[0])), { isFirstOnly: true });
