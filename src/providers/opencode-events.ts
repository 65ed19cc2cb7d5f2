import type { EventRule } from './report.ts';

/** OpenCode's `run --format json`. */
export const opencodeEvents: readonly EventRule[] = [
  { when: "type == 'text'", text: 'part.text' },
  {
    when: "type == 'tool_use'",
    toolCall: { name: 'part.tool', input: 'part.state.input' },
    toolResult: {
      text: 'not_null(part.state.output, part.state.error)',
      isError: "part.state.status == 'error' || not_null(part.state.metadata.exit, `0`) != `0`",
    },
  },
  {
    when: "type == 'step_finish'",
    usageDelta: {
      turns: '`1`',
      inputTokens: 'part.tokens.[input, cache.read, cache.write]',
      cachedInputTokens: 'part.tokens.cache.read',
      cacheWriteTokens: 'part.tokens.cache.write',
      outputTokens: 'part.tokens.[output, reasoning]',
      costUsd: 'part.cost',
    },
  },
  {
    when: "type == 'error'",
    quotaReset: { after: 'error.data.responseHeaders."retry-after"' },
    failure: {
      message: 'error.data.message || error.message || error.name',
      status: 'error.data.statusCode',
      kinds: { authentication: "error.name == 'ProviderAuthError'" },
    },
  },
];
