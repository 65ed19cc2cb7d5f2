import type { CliEvent, Parser } from '../cli-event.ts';
import { failure, modelNamed, notice, refusedKey, text, toolCall, toolResult } from '../cli-event.ts';
import { oneLine } from '../display.ts';
import { firstText, isNumber, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { type FailureKind, noUsage, since, type Usage } from '../report.ts';

interface State {
  readonly baseline: Usage;
  /** Ids of the messages that were counted. */
  readonly messages: Set<unknown>;
  usage: Usage;
  isPlanUsedUp: boolean;
}

/** Claude Code's `--output-format stream-json`. Amp prints the same events. */
export function claudeParser(_now: () => number, baseline: Usage): Parser {
  const state: State = { baseline, messages: new Set(), usage: noUsage, isPlanUsedUp: false };
  return event => {
    switch (event.type) {
      case 'assistant':
        return assistant(state, event);
      case 'stream_event':
        return streamEvent(state, event);
      case 'user':
        return listOf(objectOf(event.message).content).flatMap(part => resultIn(objectOf(part)));
      case 'rate_limit_event':
        return rateLimit(state, event);
      case 'system':
        return event.subtype === 'api_retry' ? retry(event) : [];
      case 'result':
        return result(state, event);
      default:
        return [];
    }
  };
}

function assistant(state: State, { message }: JsonObject): CliEvent[] {
  const { messages, usage } = state;
  const { id, model, content, usage: spent } = objectOf(message);
  const shown = listOf(content).flatMap(part => displayed(objectOf(part)));
  // The same message comes once for each of its parts. Amp's messages have no id.
  if (messages.has(id)) return shown;
  messages.add(id ?? Symbol('message'));
  const { input, cached, written } = tokensIn(objectOf(spent));
  const more = {
    turns: messages.size,
    inputTokens: usage.inputTokens + input,
    cachedInputTokens: usage.cachedInputTokens + cached,
    cacheWriteTokens: (usage.cacheWriteTokens ?? 0) + written,
  };
  return [...shown, ...modelNamed(textOf(model)), used(state, more)];
}

/** Count the output tokens of a message, which are known only at its end. */
function streamEvent(state: State, { event }: JsonObject): CliEvent[] {
  const { type, usage: spent, message } = objectOf(event);
  if (type === 'message_start') return [...modelNamed(textOf(objectOf(message).model))];
  if (type !== 'message_delta') return [];
  const outputTokens = state.usage.outputTokens + numberOf(objectOf(spent).output_tokens);
  return [used(state, { outputTokens })];
}

function rateLimit(state: State, { rate_limit_info: info }: JsonObject): CliEvent[] {
  const { status, resetsAt } = objectOf(info);
  if (status !== 'rejected' || !isNumber(resetsAt)) return [];
  state.isPlanUsedUp = true;
  return [{ type: 'quotaReset', at: resetsAt * 1000 }];
}

function result(state: State, event: JsonObject): CliEvent[] {
  const { usage: spent, num_turns: turns, total_cost_usd: costUsd, subtype } = event;
  const { input, cached, written } = tokensIn(objectOf(spent));
  const total = used(state, {
    turns: isNumber(turns) ? turns : null,
    inputTokens: input,
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    outputTokens: numberOf(objectOf(spent).output_tokens),
    // The sum of all turns of a resumed conversation; the tokens are those of this turn.
    costUsd: isNumber(costUsd) ? since(state.baseline.costUsd, costUsd) : null,
  });
  if (!event.is_error && subtype === 'success') return [total];
  const message = firstText(event.result, objectOf(event.error).message, event.error, subtype) ?? '';
  return [total, failure(message, kindOf(event) ?? (state.isPlanUsedUp ? 'quota' : null))];
}

function used(state: State, more: Partial<Usage>): CliEvent {
  state.usage = { ...state.usage, ...more };
  return { type: 'usage', usage: more };
}

function displayed(part: JsonObject): CliEvent[] {
  if (part.type === 'text' && textOf(part.text) !== '') return [text(textOf(part.text))];
  return part.type === 'tool_use' ? [toolCall(textOf(part.name), objectOf(part.input))] : [];
}

function resultIn({ type, content, is_error: isError }: JsonObject): CliEvent[] {
  if (type !== 'tool_result') return [];
  const lines = Array.isArray(content)
    ? content.map(part => textOf(objectOf(part).text)).join('\n')
    : textOf(content);
  return [toolResult(lines, Boolean(isError))];
}

/** Claude Code would retry ten times, over three minutes. */
function retry({ error_status: status, error, retry_delay_ms: delay }: JsonObject): CliEvent[] {
  if (status === 401 || status === 403) return [refusedKey(status)];
  return [notice(`${oneLine(textOf(error))}: tries again in ${Math.ceil(numberOf(delay) / 1000)} s`)];
}

function kindOf({ api_error_status: status, subtype }: JsonObject): FailureKind | null {
  if (status === 401) return 'authentication';
  return textOf(subtype).startsWith('error_max_') ? 'budget' : null;
}

function tokensIn(usage: JsonObject): { input: number; cached: number; written: number } {
  const cached = numberOf(usage.cache_read_input_tokens);
  const written = numberOf(usage.cache_creation_input_tokens);
  return { input: numberOf(usage.input_tokens) + written + cached, cached, written };
}
