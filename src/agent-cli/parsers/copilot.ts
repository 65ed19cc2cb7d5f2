import type { CliEvent, Parser } from '../cli-event.ts';
import { failure, kindOfStatus, notice, text, toolCall, toolResult } from '../cli-event.ts';
import { oneLine } from '../display.ts';
import { firstText, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import type { FailureKind } from '../report.ts';

/** Copilot CLI's `--output-format json`. */
export function copilotParser(): Parser {
  let turns = 0;
  return event => {
    const data = objectOf(event.data);
    switch (event.type) {
      case 'assistant.turn_start':
        turns += 1;
        return [{ type: 'usage', usage: { turns } }];
      case 'assistant.message':
        return message(data);
      case 'tool.execution_start':
        return [toolCall(textOf(data.toolName), objectOf(data.arguments))];
      case 'tool.execution_complete':
        return [result(data)];
      case 'session.info':
        return data.infoType === 'model_retry' ? [notice(oneLine(textOf(data.message)))] : [];
      case 'session.error':
        return [error(data)];
      default:
        return [];
    }
  };
}

function message({ content, toolRequests }: JsonObject): CliEvent[] {
  const words = textOf(content);
  const isReply = words !== '' || listOf(toolRequests).length > 0;
  return [...(words === '' ? [] : [text(words)]), ...(isReply ? [{ type: 'recovered' } as const] : [])];
}

function result({ result, error, success, shellExecution }: JsonObject): CliEvent {
  const isError = !success || numberOf(objectOf(shellExecution).exitCode) !== 0;
  return toolResult(firstText(objectOf(result).content, objectOf(error).message) ?? '', isError);
}

const kinds: Readonly<Record<string, FailureKind>> = {
  authentication: 'authentication',
  authorization: 'authentication',
  quota: 'quota',
  rate_limit: 'quota',
};

const error = ({ message, errorType, statusCode }: JsonObject) =>
  failure(textOf(message), kinds[textOf(errorType)] ?? kindOfStatus(statusCode));
