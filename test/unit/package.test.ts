import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { build } from 'esbuild';
import { execa } from 'execa';
import { packageFolder, version } from '../../src/package.ts';

const root = join(import.meta.dirname, '..', '..');

test('packageFolder and version are those of the repository', t => {
  t.is(packageFolder, root);
  t.is(version, JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);
});

test("the package does not contain Node's cache of the compiled command", async t => {
  const compiled = join(root, 'dist', 'command', 'compiled');
  const file = join(compiled, 'test-of-the-package');
  mkdirSync(compiled, { recursive: true });
  writeFileSync(file, '');
  t.teardown(() => rmSync(file, { force: true }));
  const { stdout } = await execa('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    timeout: 60_000,
  });
  const [{ files }] = JSON.parse(stdout);
  t.true(files.length > 10);
  t.false(files.some(({ path }: { path: string }) => path.startsWith('dist/command/compiled')));
});

for (const format of ['esm', 'cjs'] as const)
  test(`a copy bundled into another program as ${format} fails with a hint, with or without a package.json`, async t => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-flow-bundle-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const outfile = join(folder, format === 'esm' ? 'program.mjs' : 'program.cjs');
    const entryPoints = [join(root, 'src', 'package.ts')];
    await build({ entryPoints, bundle: true, platform: 'node', format, outfile, logLevel: 'silent' });
    for (const packageJson of [null, '{ "name": "other", "version": "1.0.0" }']) {
      if (packageJson !== null) writeFileSync(join(folder, 'package.json'), packageJson);
      const { exitCode, stderr } = await execa(process.execPath, [outfile], {
        reject: false,
        timeout: 20_000,
      });
      t.is(exitCode, 1);
      t.regex(
        stderr,
        /could not find the files of agent-flow from \S+: it was bundled .*--external:agent-flow/,
      );
    }
  });
