import type { EventRule } from './report.ts';

/** Copilot CLI's `--output-format json`. It does not report its tokens. */
export const copilotEvents: readonly EventRule[] = [
  { when: "type == 'assistant.turn_start'", usageDelta: { turns: '`1`' } },
  { when: "type == 'assistant.message'", text: 'data.content' },
  { when: "type == 'assistant.message' && (data.content || data.toolRequests)", recovered: true },
  {
    when: "type == 'tool.execution_start'",
    toolCall: { name: 'data.toolName', input: 'data.arguments' },
  },
  {
    when: "type == 'tool.execution_complete'",
    toolResult: {
      text: 'data.result.content || data.error.message',
      isError: '!(data.success) || not_null(data.shellExecution.exitCode, `0`) != `0`',
    },
  },
  { when: "type == 'session.info' && data.infoType == 'model_retry'", notice: 'data.message' },
  {
    when: "type == 'session.error'",
    failure: {
      message: 'data.message',
      status: 'data.statusCode',
      kinds: {
        authentication: "contains(['authentication', 'authorization'], data.errorType)",
        quota: "contains(['quota', 'rate_limit'], data.errorType)",
      },
    },
  },
];
