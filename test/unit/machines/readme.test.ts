import { spawnSync } from 'node:child_process';
import test from 'ava';

test('the diagrams and tables of machines/README.md are up to date', t => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/diagrams.ts', '--check'], {
    encoding: 'utf8',
  });
  t.is(status, 0, stderr);
});
