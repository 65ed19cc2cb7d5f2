import test from 'ava';
import { inspectOption, withInspectAlone } from '../../../src/commands/inspector/option.ts';

test('--inspect takes no value, a port, or stately', t => {
  t.is(inspectOption(undefined), null);
  t.deepEqual(inspectOption(''), { port: 0 });
  t.deepEqual(inspectOption('8080'), { port: 8080 });
  t.is(inspectOption('stately'), 'stately');
  for (const bad of ['other', '-1', '65536', '80.5', 'Stately'])
    t.throws(() => inspectOption(bad), { message: /stately/ });
});

test('a word after --inspect is its value only if it is a valid one', t => {
  const read = (...argv: string[]) => withInspectAlone(argv).join(' ');
  t.is(read('run', '--inspect', 'spec.json'), 'run --inspect= spec.json');
  t.is(read('run', 'spec.json', '--inspect'), 'run spec.json --inspect=');
  t.is(read('run', '--inspect', 'stately', 'spec.json'), 'run --inspect stately spec.json');
  t.is(read('run', 'spec.json', '--inspect', '8080'), 'run spec.json --inspect 8080');
  t.is(read('run', 'spec.json', '--inspect=8080'), 'run spec.json --inspect=8080');
});
