import test from 'ava';
import { createReporter } from '../../../../src/agent-cli/reporter.ts';
import { providerNamed, providers } from '../../../../src/providers/catalogue.ts';
import { reportOf } from '../../../../src/spec/report-plan.ts';

/** Values for every field that a parser reads. */
const values = [null, 0, -1, 'text', true, [], [null], [1, 'a', {}], {}, { type: 'text', text: {} }];
const fields = {
  claude: ['assistant', 'stream_event', 'user', 'rate_limit_event', 'system', 'result'],
  codex: ['item.started', 'item.completed', 'turn.completed', 'turn.failed', 'error'],
  gemini: ['message', 'tool_use', 'tool_result', 'error', 'result'],
  opencode: ['text', 'tool_use', 'step_finish', 'error'],
  copilot: ['assistant.message', 'tool.execution_start', 'tool.execution_complete', 'session.error'],
  cline: ['run_result', 'error', 'agent_event'],
  qwen: ['assistant', 'stream_event', 'user', 'system', 'result'],
  pi: ['message_end', 'tool_execution_start', 'tool_execution_end', 'auto_retry_start'],
  kimi: ['turn.step.retrying'],
  droid: ['message', 'tool_call', 'tool_result', 'completion', 'error'],
  aider: ['any'],
} as const;
const names = [
  ...['message', 'event', 'item', 'part', 'data', 'error', 'usage', 'stats', 'content', 'rate_limit_info'],
  ...[
    'tool_calls',
    'args',
    'value',
    'text',
    'numTurns',
    'delayMs',
    'status_code',
    'delay_ms',
    'error_message',
  ],
  ...['result', 'state', 'tokens', 'output', 'input', 'changes', 'parameters', 'num_turns', 'total_cost_usd'],
];

test('every provider with events of its own is in the list', t => {
  const reports = new Set(providers.map(({ report }) => JSON.stringify(report)));
  t.is(reports.size - 1, Object.keys(fields).length, 'amp prints the events of claude');
});

for (const [name, types] of Object.entries(fields))
  test(`fields of any type do not break the parser of ${name}`, t => {
    const plan = reportOf(providerNamed(name)!, {})!;
    const reporter = createReporter(plan, { write() {}, save() {}, endCli() {}, now: () => 0 });
    for (const type of types)
      for (const value of values) {
        const event = { type, subtype: 'api_retry', ...Object.fromEntries(names.map(name => [name, value])) };
        const chat = ['assistant', 'tool', 'meta'].map(role => ({ ...event, role }));
        for (const nested of [
          ...chat,
          event,
          { type, event, item: event, part: event, data: event, message: event },
        ])
          t.notThrows(() => reporter.line(JSON.stringify(nested)));
      }
  });

test('a format that does not exist is refused', t => {
  const plan = { format: 'toString', login: '', quota: '' };
  t.throws(() => createReporter(plan, { write() {}, save() {}, endCli() {}, now: () => 0 }), {
    message: '"toString" is not a format that agent-report reads',
  });
});
