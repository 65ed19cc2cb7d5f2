import type { CliEvent, Parser } from '../cli-event.ts';
import { failure, kindOfStatus, modelNamed, notice, text, toolCall, toolResult } from '../cli-event.ts';
import { oneLine } from '../display.ts';
import { firstText, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { noUsage, type Usage } from '../report.ts';

/** The `--mode json` of pi. It exits with 0 after most errors. */
export function piParser(): Parser {
  let usage: Usage = noUsage;

  function replied({ usage: spent }: JsonObject): CliEvent {
    const { input, output, cacheRead, cacheWrite, cost } = objectOf(spent);
    const costUsd = numberOf(objectOf(cost).total);
    usage = {
      turns: (usage.turns ?? 0) + 1,
      inputTokens: usage.inputTokens + numberOf(input) + numberOf(cacheRead) + numberOf(cacheWrite),
      cachedInputTokens: usage.cachedInputTokens + numberOf(cacheRead),
      cacheWriteTokens: (usage.cacheWriteTokens ?? 0) + numberOf(cacheWrite),
      outputTokens: usage.outputTokens + numberOf(output),
      // The cost of a model without a known price is 0.
      costUsd: costUsd > 0 ? (usage.costUsd ?? 0) + costUsd : usage.costUsd,
    };
    return { type: 'usage', usage };
  }

  function messageEnd(message: JsonObject): CliEvent[] {
    if (message.role !== 'assistant') return [];
    const { stopReason, errorMessage } = message;
    if (stopReason === 'error' || stopReason === 'aborted')
      return [error(firstText(errorMessage, stopReason) ?? '')];
    return [
      ...textsIn(message.content).map(text),
      { type: 'recovered' },
      ...modelNamed(textOf(message.model)),
      replied(message),
    ];
  }

  return event => {
    switch (event.type) {
      case 'message_end':
        return messageEnd(objectOf(event.message));
      case 'tool_execution_start':
        return [toolCall(textOf(event.toolName), objectOf(event.args))];
      case 'tool_execution_end':
        return [toolResult(textsIn(objectOf(event.result).content).join('\n'), event.isError === true)];
      case 'auto_retry_start':
        return [notice(`tries again in ${Math.ceil(numberOf(event.delayMs) / 1000)} s`)];
      default:
        return [];
    }
  };
}

const textsIn = (content: unknown): string[] =>
  listOf(content)
    .map(part => textOf(objectOf(part).text))
    .filter(words => words !== '');

/** Its messages begin with the status: `401: {"message": …}`. */
const error = (message: string) =>
  failure(oneLine(message, 400), kindOfStatus(Number(/^\d{3}\b/.exec(message)?.[0])));
