import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { place } from './flow.ts';

test("scripts/demo fixes the example's repository and leaves nothing behind", async t => {
  const here = place(t);
  const { exitCode, all } = await execa(join(import.meta.dirname, '../../scripts/demo'), {
    env: here.env,
    stdin: 'ignore',
    all: true,
    reject: false,
    timeout: 600_000,
  });
  t.is(exitCode, 0, all);
  t.regex(
    all,
    /Before: the tests fail\.[\s\S]*3 succeeded[\s\S]*After: the tests pass\.[\s\S]*on branch agent-flow[\s\S]*fixer: Round before dividing/,
  );
  t.deepEqual(await here.containers(), []);
});
