import test from 'ava';
import {
  endRecordOf,
  parseEndRecord,
  recordInFile,
  refusalIn,
  titleIn,
} from '../../../src/transcript/end-record.ts';

test('the last line of a transcript is its end record', t => {
  t.deepEqual(endRecordOf('hello\r\n\nagent-end exit 7 0 abc\n', 'abc'), {
    reason: 'exit',
    code: 7,
    oomKills: 0,
  });
  t.deepEqual(endRecordOf('agent-end tmux-lost 70 2 abc\r\n', 'abc'), {
    reason: 'tmux-lost',
    code: 70,
    oomKills: 2,
  });
  t.is(endRecordOf('agent-end lease 124 0 abc\n', 'abc')?.reason, 'lease');
});

test('a record with another nonce, or before the last line, is ignored', t => {
  t.is(endRecordOf('agent-end exit 0 0 forged\n', 'abc'), null);
  t.is(endRecordOf('agent-end exit 0 0 abc\nmore output\n', 'abc'), null);
  t.is(endRecordOf('', 'abc'), null);
});

test('a malformed record is ignored', t => {
  for (const line of [
    'agent-end exit 0 0',
    'agent-end won 0 0 abc',
    'agent-end exit -1 0 abc',
    'xagent-end exit 0 0 abc',
    'agent-end exit 0 0 abc d',
  ])
    t.is(parseEndRecord(line), null, line);
});

test('recordInFile reads the first line of the file of a container', t => {
  t.deepEqual(recordInFile('exit 7\n\0\0\0'), { reason: 'exit', code: 7 });
  t.deepEqual(recordInFile('tmux-lost 70\n'), { reason: 'tmux-lost', code: 70 });
  for (const text of ['', 'exit 7', 'exit -1\n', 'won 0\n', ' exit 0\n', 'exit 0 0\n'])
    t.is(recordInFile(text), null, text);
});

test('titleIn returns the title with the nonce, or null if it is missing or redacted', t => {
  const withScreen = (text: string, nonce = 'abc') =>
    `agent\r\n\x1b]2;agent-screen-${nonce}-${text}\x07\nagent-end exit 0 0 abc\n`;
  t.is(titleIn(withScreen('U2NyZWVu'), 'screen', 'abc')?.toString(), 'Screen');
  for (const transcript of ['', withScreen('U2Ny[secret]u'), withScreen('U2NyZWVu', 'abd'), withScreen('')])
    t.is(titleIn(transcript, 'screen', 'abc'), null, transcript);
});

test('refusalIn returns the line of agent-init before the end record', t => {
  const end = '\n\nagent-end tmux-lost 70 0 abc\n';
  t.is(
    refusalIn(`\x1b]2;agent-begin-abc\x07agent-init: cannot start tmux: no room${end}`),
    'cannot start tmux: no room',
  );
  t.is(refusalIn(`agent-init: not the last line\r\nanother${end}`), null);
  t.is(refusalIn(end), null);
});
