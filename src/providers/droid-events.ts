import type { EventRule } from './report.ts';

/** Droid's `exec --output-format stream-json`. */
export const droidEvents: readonly EventRule[] = [
  { when: "type == 'system'", model: 'model' },
  { when: "type == 'message' && role == 'assistant'", text: 'text' },
  { when: "type == 'tool_call'", toolCall: { name: 'toolName', input: 'parameters' } },
  { when: "type == 'tool_result'", toolResult: { text: 'error.message || value', isError: 'isError' } },
  {
    when: "type == 'completion'",
    recovered: true,
    usageTotal: {
      turns: 'numTurns',
      inputTokens: 'usage.[input_tokens, cache_creation_input_tokens, cache_read_input_tokens]',
      cachedInputTokens: 'usage.cache_read_input_tokens',
      outputTokens: 'usage.output_tokens',
    },
  },
  {
    when: "type == 'error'",
    // Its last error is a general one; the message before it has the status: `401 Incorrect API key provided.`
    failure: { message: 'message', status: 'message', firstOnly: true },
  },
];
