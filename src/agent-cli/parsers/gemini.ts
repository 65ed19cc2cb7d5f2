import type { CliEvent, Parser } from '../cli-event.ts';
import { failure, modelNamed, notice, toolCall, toolResult } from '../cli-event.ts';
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
  const { message, type } = objectOf(error);
  return [
    { type: 'chunk', text: '\n' },
    ...usageOfModels(objectOf(objectOf(stats).models)),
    { type: 'usage', usage: tokensIn(objectOf(stats)) },
    ...(status === 'success' ? [] : [failure(textOf(message), kinds[textOf(type)] ?? null)]),
  ];
}

const maxModels = 20;

/** Report the models one after the other, each with the sum so far. */
function usageOfModels(models: JsonObject): CliEvent[] {
  let sum = tokensIn({});
  return Object.entries(models)
    .slice(0, maxModels)
    .flatMap(([model, stats]) => {
      const { inputTokens, cachedInputTokens, outputTokens } = tokensIn(objectOf(stats));
      sum = {
        inputTokens: sum.inputTokens + inputTokens,
        cachedInputTokens: sum.cachedInputTokens + cachedInputTokens,
        outputTokens: sum.outputTokens + outputTokens,
      };
      return [...modelNamed(model), { type: 'usage', usage: sum } as const];
    });
}

const tokensIn = ({ input_tokens: input, cached, output_tokens: output }: JsonObject) => ({
  inputTokens: numberOf(input),
  cachedInputTokens: numberOf(cached),
  outputTokens: numberOf(output),
});
