import test from 'ava';
import { claude } from '../../../../src/providers/claude.ts';
import { kiro } from '../../../../src/providers/kiro.ts';
import { reported } from '../../_helpers/reported.ts';

test('the last lines of a CLI without events are classified as authentication, quota or neither', t => {
  const kind = (words: string, code: number) => {
    const { exit, printed, report } = reported(kiro, [words], { exit: { code } });
    t.is(printed.split('\n')[0], words);
    t.deepEqual(exit, { code });
    return [report?.usage ?? null, report?.failure?.kind];
  };
  t.deepEqual(kind('Error: you are not logged in', 1), [null, 'authentication']);
  t.deepEqual(kind('Error: 429 Too Many Requests', 2), [null, 'quota']);
  t.deepEqual(kind('cannot read the file', 3), [null, undefined]);
  t.deepEqual(kind('it was not logged in before', 0), [null, undefined]);
});

test('the last of several reasons counts', t => {
  const { report } = reported(kiro, ['401', '429', 'it ends'], { exit: { code: 1 } });
  t.is(report?.failure?.message, '429');
});

test('a CLI that is ended by a signal has no reason, and the signal is kept', t => {
  const { exit, report } = reported(kiro, ['401'], { exit: { signal: 'SIGTERM' } });
  t.deepEqual([exit, report], [{ signal: 'SIGTERM' }, null]);
});

test('empty lines are never shown, and numbers only for a CLI without events', t => {
  t.is(reported(kiro, ['', '  ', '17', '"a text"', 'null']).printed, '17\n"a text"\nnull\n');
  t.is(reported(claude, ['', '17', 'a warning']).printed, 'a warning\n');
});
