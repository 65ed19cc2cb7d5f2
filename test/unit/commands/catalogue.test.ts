import test from 'ava';
import { commands, firstNameIn, namedIn } from '../../../src/commands/catalogue.ts';

test('every command loads its options and its handler', async t => {
  for (const { usage, load } of commands) {
    const { options, handler } = await load();
    t.is(typeof options, 'function', String(usage));
    t.is(typeof handler, 'function', String(usage));
  }
  const loaded = await Promise.all(commands.map(({ load }) => load()));
  t.is(new Set(loaded).size, commands.length);
});

test('a word of the command line names a command by its name or its alias', t => {
  const named = (...argv: string[]) => namedIn(argv).map(({ usage }) => [usage].flat()[0]);
  t.deepEqual(named('--state-dir', 'run', 'ps'), ['run <spec>', 'ps']);
  t.deepEqual(named('down'), ['stop [target]']);
  t.deepEqual(named('--help'), []);
  t.is(firstNameIn(['--json', 'down', 'run']), 'down');
});
