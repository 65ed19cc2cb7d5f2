import test from 'ava';
import { createCli } from '../_helpers/command-line.ts';

/** Read the snapshots after each update: `ava test/unit/commands/help.test.ts --update-snapshots`. */
test('the help of every command fits a screen of 80 columns', async t => {
  const { run } = createCli(t);
  const { stdout } = await run(['--help']);
  const names = [...stdout.matchAll(/^ {2}agent-flow ([a-z]+)/gm)].map(([, name]) => name!);
  t.true(names.includes('run') && names.includes('graph') && names.includes('doctor'));
  // `completion --help` prints the script itself.
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
    const texts = descriptions(stdout);
    t.true(texts.length > 3, name);
    t.deepEqual(
      texts.filter(text => text.length > 60 || !/^[A-Z]/.test(text)),
      [],
      `${name}: a capital letter, and at most 60 characters`,
    );
  }
});

/** Return the descriptions of commands, positionals and options on a page, each joined from its lines. */
function descriptions(page: string): string[] {
  const texts: string[] = [];
  for (const line of page.split('\nExamples:')[0]!.split('\n')) {
    const first = /^ {2,}\S.*? {2,}(?<text>\S.*)$/.exec(line)?.groups?.text;
    if (first !== undefined && !first.startsWith('[')) texts.push(first);
    else if (/^ {12,}[^\s[]/.test(line) && texts.length > 0) texts.push(`${texts.pop()} ${line.trim()}`);
  }
  return texts;
}
