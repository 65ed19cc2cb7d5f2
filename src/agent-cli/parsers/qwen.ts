import type { CliEvent, Parser } from '../cli-event.ts';
import { type JsonObject, numberOf, objectOf } from '../json.ts';
import { since, type Usage } from '../report.ts';
import { claudeParser } from './claude.ts';

/** Qwen Code's `--output-format stream-json`: the events of Claude Code, with other counts of tokens. */
export function qwenParser(now: () => number, baseline: Usage): Parser {
  const parse = claudeParser(now, baseline);
  const messages = new Set<unknown>();
  let outputTokens = 0;

  /** Count the output tokens, which Claude Code reports in partial messages only. */
  function countOutput({ id, usage }: JsonObject): CliEvent[] {
    if (messages.has(id)) return [];
    messages.add(id);
    outputTokens += numberOf(objectOf(usage).output_tokens);
    return [{ type: 'usage', usage: { outputTokens } }];
  }

  return event => {
    const message = objectOf(event.message);
    const shown = parse({
      ...event,
      message: { ...message, usage: withoutCached(objectOf(message.usage)) },
      usage: withoutCached(sinceBaseline(objectOf(event.usage), baseline)),
    });
    return event.type === 'assistant' ? [...shown, ...countOutput(message)] : shown;
  };
}

/** At its end it reports the sum of all turns of a conversation. */
const sinceBaseline = (usage: JsonObject, baseline: Usage): JsonObject => ({
  ...usage,
  input_tokens: since(baseline.inputTokens, numberOf(usage.input_tokens)),
  cache_read_input_tokens: since(baseline.cachedInputTokens, numberOf(usage.cache_read_input_tokens)),
  output_tokens: since(baseline.outputTokens, numberOf(usage.output_tokens)),
});

/** Its input tokens include the cached ones. */
const withoutCached = (usage: JsonObject): JsonObject => ({
  ...usage,
  input_tokens: numberOf(usage.input_tokens) - numberOf(usage.cache_read_input_tokens),
});
