import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { onPath } from '../../../src/on-path.ts';
import { createCli } from '../_helpers/command-line.ts';

/** Create a PATH with sleep and this `docker`, and nothing else. */
function pathWith(folder: string, docker: string | null): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(onPath('sleep', process.env)!, join(bin, 'sleep'));
  if (docker !== null) writeFileSync(join(bin, 'docker'), `#!/bin/sh\n${docker}\n`, { mode: 0o755 });
  return bin;
}

test('doctor exits with 3 and reports a missing docker command', async t => {
  const { path, run } = createCli(t);
  const { exitCode, stdout, stderr } = await run(['doctor'], { PATH: pathWith(path, null) });
  t.is(exitCode, 3, stderr);
  t.regex(stdout, /^fail {2}docker client +— not on PATH\n {6}→ install Docker/m);
  t.regex(stderr, /1 of \d+ checks failed: agents cannot run/);
});

test('doctor --json prints its findings when docker never responds', async t => {
  const { path, run } = createCli(t);
  const { exitCode, stdout, timedOut } = await run(['doctor', '--json'], {
    PATH: pathWith(path, 'sleep 600'),
  });
  t.false(timedOut);
  t.is(exitCode, 3);
  t.is(stdout.split('\n').length, 1);
  const found: { check: string; status: string; found: string }[] = JSON.parse(stdout);
  t.like(
    found.find(({ check }) => check === 'docker engine'),
    { status: 'fail' },
  );
  t.regex(found.find(({ check }) => check === 'docker engine')!.found, /no response within 5 s/);
  t.true(found.some(({ check }) => check === 'state directory'));
});
