import type { EventRule } from './report.ts';

/** Gemini CLI's `--output-format stream-json`. */
export const geminiEvents: readonly EventRule[] = [
  { when: "type == 'message' && role == 'assistant'", chunk: 'content' },
  { when: "type == 'tool_use'", toolCall: { name: 'tool_name', input: 'parameters' } },
  {
    when: "type == 'tool_result'",
    toolResult: { text: 'error.message || output', isError: "status == 'error'" },
  },
  { when: "type == 'error'", notice: 'message' },
  {
    when: "type == 'result'",
    // The name of a model, and its tokens.
    each: 'items(stats.models)',
    model: '[0]',
    usageDelta: {
      inputTokens: '[1].input_tokens',
      cachedInputTokens: '[1].cached',
      outputTokens: '[1].output_tokens',
    },
  },
  {
    when: "type == 'result'",
    usageTotal: {
      inputTokens: 'stats.input_tokens',
      cachedInputTokens: 'stats.cached',
      outputTokens: 'stats.output_tokens',
    },
  },
  {
    when: "type == 'result' && status != 'success'",
    failure: {
      message: 'error.message',
      // Their exit codes are 41 and 53.
      kinds: {
        authentication: "error.type == 'FatalAuthenticationError'",
        budget: "error.type == 'FatalTurnLimitedError'",
      },
    },
  },
];
