import test from 'ava';
import { checkTable } from '../../../../src/commands/providers/check.ts';
import { hasFailed, row } from '../../../../src/provider-check/check-report.ts';

const report = {
  provider: 'claude',
  title: 'Claude Code',
  version: '2.1.332',
  rows: [
    row('install', 'ok', 'tmux-agents-provider:claude (0.3s)'),
    { ...row('tool call', 'failed', 'its tool\nhas failed'), transcript: '/state/transcript.log' },
    row('schema', 'not supported', 'it has no "outputSchema"'),
  ],
};

test('the table of a check has a line for each check, and the outputs of those that failed', t => {
  t.is(
    checkTable(report),
    [
      'claude 2.1.332, Claude Code',
      '  install    ok             tmux-agents-provider:claude (0.3s)',
      '  tool call  failed         its tool has failed',
      '  schema     not supported  it has no "outputSchema"',
      '',
      'output of tool call: /state/transcript.log',
    ].join('\n'),
  );
  t.true(hasFailed(report));
});

test('a check that is not supported is no failure', t => {
  const rows = report.rows.filter(({ status }) => status !== 'failed');
  t.false(hasFailed({ ...report, rows }));
  t.is(checkTable({ ...report, version: null, rows }).split('\n')[0], 'claude, Claude Code');
});
