import type { CliEvent, Parser } from '../cli-event.ts';
import { failure, notice, refusedKey, text, toolCall, toolResult } from '../cli-event.ts';
import { oneLine } from '../display.ts';
import { type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { noUsage } from '../report.ts';

/** Codex's `exec --json`. */
export function codexParser(): Parser {
  let usage = noUsage;

  function turnCompleted(event: JsonObject): CliEvent[] {
    const spent = objectOf(event.usage);
    usage = {
      ...usage,
      turns: (usage.turns ?? 0) + 1,
      inputTokens: usage.inputTokens + numberOf(spent.input_tokens),
      cachedInputTokens: usage.cachedInputTokens + numberOf(spent.cached_input_tokens),
      outputTokens: usage.outputTokens + numberOf(spent.output_tokens),
    };
    return [{ type: 'recovered' }, { type: 'usage', usage }];
  }

  return event => {
    const item = objectOf(event.item);
    switch (event.type) {
      case 'item.started':
        return item.type === 'command_execution' ? [toolCall('run', { command: item.command })] : [];
      case 'item.completed':
        return completed(item);
      case 'turn.completed':
        return turnCompleted(event);
      case 'turn.failed':
        return [failure(textOf(objectOf(event.error).message))];
      case 'error':
        return error(textOf(event.message));
      default:
        return [];
    }
  };
}

function completed(item: JsonObject): CliEvent[] {
  switch (item.type) {
    case 'agent_message':
      return [text(textOf(item.text))];
    case 'command_execution':
      return [toolResult(textOf(item.aggregated_output), item.exit_code !== 0)];
    case 'file_change':
      return [toolCall('change', { path: pathsIn(item) })];
    case 'mcp_tool_call':
      return [toolCall(`${textOf(item.server)}.${textOf(item.tool)}`, {})];
    case 'error':
      return [notice(oneLine(textOf(item.message)))];
    default:
      return [];
  }
}

const pathsIn = ({ changes }: JsonObject) =>
  listOf(changes)
    .map(change => textOf(objectOf(change).path))
    .join(' ');

/** Codex retries by itself, and has failed only if it gives up. A key that was refused twice is final. */
const error = (message: string): CliEvent[] => [
  /^Reconnecting\.\.\. 2\/.*\b401\b/.test(message) ? refusedKey(401) : notice(oneLine(message)),
];
