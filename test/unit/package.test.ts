import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { build } from 'esbuild';
import { execa } from 'execa';
import { packageFolder, version } from '../../src/package.ts';

const root = join(import.meta.dirname, '..', '..');

test('the package knows where it lies, and its version', t => {
  t.is(packageFolder, root);
  t.is(version, JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);
});

for (const format of ['esm', 'cjs'] as const)
  test(`bundled into another program as ${format}, it says that it cannot be, also where no package is around`, async t => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-flow-bundle-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const outfile = join(folder, format === 'esm' ? 'program.mjs' : 'program.cjs');
    const entryPoints = [join(root, 'src', 'package.ts')];
    await build({ entryPoints, bundle: true, platform: 'node', format, outfile, logLevel: 'silent' });
    for (const around of [null, '{ "name": "other", "version": "1.0.0" }']) {
      if (around !== null) writeFileSync(join(folder, 'package.json'), around);
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
