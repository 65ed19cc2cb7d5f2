import type { CliEvent, Parser } from '../cli-event.ts';
import { failure, kindOfStatus, text, toolCall, toolResult } from '../cli-event.ts';
import { firstText, type JsonObject, numberOf, objectOf, textOf } from '../json.ts';
import { noUsage } from '../report.ts';

/** OpenCode's `run --format json`. */
export function opencodeParser(now: () => number): Parser {
  let usage = noUsage;

  function stepFinish({ tokens, cost }: JsonObject): CliEvent[] {
    const { input, output, reasoning, cache } = objectOf(tokens);
    const { read, write } = objectOf(cache);
    const { turns, inputTokens, cachedInputTokens, cacheWriteTokens = 0, outputTokens, costUsd } = usage;
    usage = {
      turns: (turns ?? 0) + 1,
      inputTokens: inputTokens + numberOf(input) + numberOf(read) + numberOf(write),
      cachedInputTokens: cachedInputTokens + numberOf(read),
      cacheWriteTokens: cacheWriteTokens + numberOf(write),
      outputTokens: outputTokens + numberOf(output) + numberOf(reasoning),
      // The cost of a model without a known price is 0.
      costUsd: numberOf(cost) > 0 ? (costUsd ?? 0) + numberOf(cost) : costUsd,
    };
    return [{ type: 'usage', usage }];
  }

  return event => {
    const part = objectOf(event.part);
    switch (event.type) {
      case 'text':
        return [text(textOf(part.text))];
      case 'tool_use':
        return toolUse(part);
      case 'step_finish':
        return stepFinish(part);
      case 'error':
        return errorEvents(objectOf(event.error), now());
      default:
        return [];
    }
  };
}

function toolUse({ tool, state }: JsonObject): CliEvent[] {
  const { status, input, output, error, metadata } = objectOf(state);
  const isError = status === 'error' || numberOf(objectOf(metadata).exit) !== 0;
  return [toolCall(textOf(tool), objectOf(input)), toolResult(textOf(output ?? error), isError)];
}

function errorEvents(error: JsonObject, now: number): CliEvent[] {
  const { message, statusCode, responseHeaders } = objectOf(error.data);
  const seconds = Number(objectOf(responseHeaders)['retry-after']);
  const kind = error.name === 'ProviderAuthError' ? 'authentication' : kindOfStatus(statusCode);
  return [
    ...(seconds > 0 ? [{ type: 'quotaReset', at: now + seconds * 1000 } as const] : []),
    failure(firstText(message, error.message, error.name) ?? '', kind),
  ];
}
