import test from 'ava';
import { desk } from '../_helpers/command-line.ts';

/** The snapshots have been read by a person. After a change: `ava test/unit/commands/help.test.ts -u`, and read again. */
test('the help of every command fits a screen of 80 columns', async t => {
  const { run } = desk(t);
  const { stdout } = await run(['--help']);
  const names = [...stdout.matchAll(/^ {2}agent-flow ([a-z]+)/gm)].map(([, name]) => name!);
  t.true(names.includes('run') && names.includes('graph') && names.includes('doctor'));
  // That of `completion` is the script itself.
  const pages = new Set(names.filter(name => name !== 'completion'));
  for (const name of ['', ...pages]) {
    const { stdout, exitCode } = await run([...(name ? [name] : []), '--help']);
    t.is(exitCode, 0, name);
    t.snapshot(stdout, name === '' ? 'agent-flow --help' : `agent-flow ${name} --help`);
    t.deepEqual(
      stdout.split('\n').filter(line => line.length > 80),
      [],
      name,
    );
  }
});
