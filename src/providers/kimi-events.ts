import type { EventRule } from './report.ts';

const refused = 'contains([`401`, `403`], status_code)';
/** Kimi would wait for a longer time than this without a word, up to ten times. */
const waitsLong = 'contains([`402`, `429`], status_code) && delay_ms > `60000`';

/** Kimi Code's `--output-format stream-json`: chat messages. Its errors are text on stderr. It reports no usage. */
export const kimiEvents: readonly EventRule[] = [
  { when: "role == 'assistant'", text: 'content[].text || content' },
  {
    when: "role == 'assistant'",
    each: 'tool_calls',
    toolCall: { name: 'function.name', input: 'function.arguments' },
  },
  { when: "role == 'tool'", toolResult: { text: 'content[].text || content' } },
  {
    when: `type == 'turn.step.retrying' && ${refused}`,
    failure: {
      message: "join('', ['the API refuses the credentials (', to_string(status_code), ')'])",
      status: 'status_code',
      final: true,
    },
  },
  {
    when: `type == 'turn.step.retrying' && ${waitsLong}`,
    quotaReset: { after: 'delay_ms / `1000`' },
    failure: { message: 'error_message', status: 'status_code', final: true },
  },
  {
    when: `type == 'turn.step.retrying' && !(${refused}) && !(${waitsLong})`,
    notice: "join('', [error_message, ': tries again in ', to_string(ceil(delay_ms / `1000`)), ' s'])",
  },
];
