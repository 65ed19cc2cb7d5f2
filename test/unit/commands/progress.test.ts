import test from 'ava';
import { canRedraw } from '../../../src/commands/progress.ts';

const terminal = { isTTY: true, columns: 80, rows: 24 };
const env = { TERM: 'xterm-256color' };

test('on a terminal a frame is redrawn', t => {
  t.true(canRedraw(terminal, env));
  t.true(canRedraw({ ...terminal, columns: 20, rows: 4 }, { TERM: 'linux', CI: 'false' }));
  t.true(canRedraw(terminal, { ...env, NO_COLOR: '1' }));
});

for (const [title, stream, variables] of [
  ['nobody looks at', { ...terminal, isTTY: false }, env],
  ['is dumb', terminal, { TERM: 'dumb' }],
  ['does not tell its kind', terminal, {}],
  ['has no size', { ...terminal, columns: 0, rows: 0 }, env],
  ['has lost its size', { isTTY: true }, env],
  ['is of one character', { ...terminal, columns: 1, rows: 1 }, env],
  ['is flat', { ...terminal, rows: 2 }, env],
  ['is of a CI runner', terminal, { ...env, CI: 'true' }],
] as const)
  test(`on one that ${title} each step is a line`, t => {
    t.false(canRedraw(stream, variables));
  });
