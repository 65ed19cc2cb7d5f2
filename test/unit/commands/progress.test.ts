import test from 'ava';
import { canRedraw } from '../../../src/commands/progress.ts';

const terminal = { isTTY: true, columns: 80, rows: 24 };
const env = { TERM: 'xterm-256color' };

test('a frame is redrawn on a terminal', t => {
  t.true(canRedraw(terminal, env));
  t.true(canRedraw({ ...terminal, columns: 20, rows: 4 }, { TERM: 'linux', CI: 'false' }));
  t.true(canRedraw(terminal, { ...env, NO_COLOR: '1' }));
});

for (const [title, stream, variables] of [
  ['outside of a terminal', { ...terminal, isTTY: false }, env],
  ['on a dumb terminal', terminal, { TERM: 'dumb' }],
  ['on a terminal without TERM', terminal, {}],
  ['on a terminal without a size', { ...terminal, columns: 0, rows: 0 }, env],
  ['on a terminal of unknown size', { isTTY: true }, env],
  ['on a terminal of one character', { ...terminal, columns: 1, rows: 1 }, env],
  ['on a terminal of two rows', { ...terminal, rows: 2 }, env],
  ['on the terminal of a CI runner', terminal, { ...env, CI: 'true' }],
] as const)
  test(`each step is a line ${title}`, t => {
    t.false(canRedraw(stream, variables));
  });
