import type { EventRule } from './report.ts';

const reply = "type == 'message_end' && message.role == 'assistant'";
const failed = "contains(['error', 'aborted'], message.stopReason)";

/** The `--mode json` of pi. It exits with 0 after most errors. */
export const piEvents: readonly EventRule[] = [
  {
    when: `${reply} && !${failed}`,
    text: 'message.content[].text',
    recovered: true,
    model: 'message.model',
    usageDelta: {
      turns: '`1`',
      inputTokens: 'message.usage.[input, cacheRead, cacheWrite]',
      cachedInputTokens: 'message.usage.cacheRead',
      cacheWriteTokens: 'message.usage.cacheWrite',
      outputTokens: 'message.usage.output',
      costUsd: 'message.usage.cost.total',
    },
  },
  {
    when: `${reply} && ${failed}`,
    // Its messages begin with the status: `401: {"message": …}`.
    failure: { message: 'message.errorMessage || message.stopReason', status: 'message.errorMessage' },
  },
  { when: "type == 'tool_execution_start'", toolCall: { name: 'toolName', input: 'args' } },
  {
    when: "type == 'tool_execution_end'",
    toolResult: { text: 'result.content[].text', isError: 'isError' },
  },
  {
    when: "type == 'auto_retry_start'",
    notice: "join('', ['tries again in ', to_string(ceil(delayMs / `1000`)), ' s'])",
  },
];
