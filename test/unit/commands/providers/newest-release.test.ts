import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isNewer } from '../../../../src/commands/providers/newest-release.ts';
import { providers } from '../../../../src/providers/catalogue.ts';
import { createCli } from '../../_helpers/command-line.ts';

const packages = providers.flatMap(({ install }) => ('npm' in install ? [install] : []));

/** A command line with an npm that runs this shell script; `$3` is the name of the package. */
function cliWithNpm(t: ExecutionContext, script: string) {
  const cli = createCli(t);
  const bin = join(cli.path, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env.PATH}` };
  return (...args: string[]) => cli.run(['providers', ...args], env);
}

const reply = (version: string) =>
  `printf '{"dist-tags.latest": "${version}", "time": {"${version}": "2026-11-24T22:06:38.000Z"}}'`;
const pinned = (more = '') =>
  `case "$3" in ${more} ${packages.map(({ npm, version }) => `${npm}) ${reply(version)} ;;`).join('\n')} esac`;

test('the newest release of every package of npm is compared with the one that is installed', async t => {
  const providersOf = cliWithNpm(t, pinned(`@openai/codex) ${reply('999.0.0')} ;;`));
  const { stdout, exitCode, stderr } = await providersOf('--outdated');
  t.is(exitCode, 0, stderr);
  t.is(stdout.split('\n').length, packages.length + 1);
  t.regex(stdout, /^codex +@openai\/codex +[\d.]+ +999\.0\.0 +2026-11-24 +yes$/m);
  t.regex(stdout, /^claude +@anthropic-ai\/claude-code +([\d.]+) +\1 +2026-11-24 +no$/m);
  const json = await providersOf('--outdated', '--json', '--exit-code');
  t.is(json.exitCode, 1);
  t.like(
    JSON.parse(json.stdout).find(({ name }: { name: string }) => name === 'codex'),
    { npm: '@openai/codex', newest: '999.0.0', published: '2026-11-24T22:06:38.000Z', isOutdated: true },
  );
});

test('without an outdated release the exit code is 0', async t => {
  t.is((await cliWithNpm(t, pinned())('--outdated', '--exit-code')).exitCode, 0);
});

test('a failed look-up is reported, and does not count as current', async t => {
  const error = `printf '{"error": {"code": "E404", "summary": "Not found"}}'; exit 1`;
  const providersOf = cliWithNpm(t, pinned(`droid) ${error} ;; opencode-ai) echo oops ;;`));
  const { exitCode, stdout, stderr } = await providersOf('--outdated', '--exit-code');
  t.is(exitCode, 3);
  t.regex(stdout, /^droid +droid +[\d.]+ +unknown +unknown +unknown$/m);
  t.regex(stderr, /^the newest release of droid is unknown: Not found$/m);
  t.regex(stderr, /^the newest release of opencode-ai is unknown: npm failed$/m);
  t.is((await providersOf('--outdated')).exitCode, 0);
});

test('without npm every release is unknown', async t => {
  const cli = createCli(t);
  const { stderr, exitCode } = await cli.run(['providers', '--outdated'], { PATH: cli.path });
  t.is(exitCode, 0);
  t.regex(stderr, /^the newest release of @openai\/codex is unknown: npm is not installed$/m);
});

test('--exit-code without --outdated is refused', async t => {
  const { exitCode, stderr } = await createCli(t).run(['providers', '--exit-code']);
  t.is(exitCode, 2);
  t.regex(stderr, /--exit-code needs --outdated/);
});

test('releases are compared by the numbers in them', t => {
  t.true(isNewer('0.10.0', '0.9.1'));
  t.false(isNewer('0.9.1', '0.10.0'));
  t.false(isNewer('1.0.0', '1.0.0'));
  t.true(isNewer('0.0.1790712063-gb89205', '0.0.1790142911-g7618fb'));
});
