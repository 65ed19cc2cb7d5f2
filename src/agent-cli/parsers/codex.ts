import type { CliEvent, Parser } from '../cli-event.ts';
import { failure, notice, refusedKey, text, toolCall, toolResult } from '../cli-event.ts';
import { oneLine } from '../display.ts';
import { type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { noUsage, since, type Usage } from '../report.ts';

/** Codex's `exec --json`. It reports the sum of all turns of a conversation, and does not name its model. */
export function codexParser(_now: () => number, baseline: Usage): Parser {
  let turns = 0;

  function turnCompleted(event: JsonObject): CliEvent[] {
    const spent = objectOf(event.usage);
    turns += 1;
    const usage = {
      ...noUsage,
      turns,
      inputTokens: since(baseline.inputTokens, numberOf(spent.input_tokens)),
      cachedInputTokens: since(baseline.cachedInputTokens, numberOf(spent.cached_input_tokens)),
      cacheWriteTokens: since(baseline.cacheWriteTokens, numberOf(spent.cache_write_input_tokens)),
      outputTokens: since(baseline.outputTokens, numberOf(spent.output_tokens)),
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
