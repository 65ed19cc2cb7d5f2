import type { CliEvent, Parser } from '../cli-event.ts';
import { failure, kindOfStatus, notice, refusedKey, toolCall, toolResult } from '../cli-event.ts';
import { oneLine } from '../display.ts';
import { type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';

/** It would wait for a longer time than this without a word, up to ten times. */
const longestWaitMs = 60_000;

/** Kimi Code's `--output-format stream-json`: chat messages. Its errors are text on stderr. */
export const kimiParser =
  (now: () => number): Parser =>
  event => {
    switch (event.role) {
      case 'assistant':
        return [...said(event.content), ...listOf(event.tool_calls).map(call => called(objectOf(call)))];
      case 'tool':
        return [
          toolResult(
            said(event.content)
              .map(({ text }) => text)
              .join('\n'),
            false,
          ),
        ];
      case 'meta':
        return event.type === 'turn.step.retrying' ? retrying(event, now()) : [];
      default:
        return [];
    }
  };

/** Return the texts of a message: a string, or a list of parts. */
function said(content: unknown): { readonly type: 'text'; readonly text: string }[] {
  const texts = Array.isArray(content) ? content.map(part => textOf(objectOf(part).text)) : [textOf(content)];
  return texts.filter(words => words !== '').map(words => ({ type: 'text', text: words }));
}

function called({ function: called }: JsonObject): CliEvent {
  const { name, arguments: json } = objectOf(called);
  return toolCall(textOf(name), argumentsIn(textOf(json)));
}

function argumentsIn(json: string): JsonObject {
  try {
    return objectOf(JSON.parse(json));
  } catch {
    return {};
  }
}

function retrying({ status_code: status, delay_ms: delay, error_message: message }: JsonObject, now: number) {
  const kind = kindOfStatus(status);
  if (kind === 'authentication') return [refusedKey(numberOf(status))];
  const waits = numberOf(delay);
  if (kind !== 'quota' || waits <= longestWaitMs)
    return [notice(`${oneLine(textOf(message))}: tries again in ${Math.ceil(waits / 1000)} s`)];
  const reset: CliEvent = { type: 'quotaReset', at: now + waits };
  return [reset, failure(textOf(message), 'quota', { isFinal: true })];
}
