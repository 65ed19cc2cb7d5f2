import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { directoriesOfRun, removePartialFiles } from '../../../src/store/partial-files.ts';
import { folder } from '../_helpers/repositories.ts';

test('temporary files of a killed process are removed, and files of agents are kept', t => {
  const run = folder(t);
  const attempt = join(run, 'agents', 'worker', '1');
  for (const path of [join(attempt, 'protected'), join(attempt, 'workspace')])
    mkdirSync(path, { recursive: true });
  const partial = ['run.json.0123456789ab.tmp', 'agents/worker/1/protected/targets.json.0123456789ab.tmp'];
  const others = ['run.json', 'agents/worker/1/workspace/a.0123456789ab.tmp', 'agents/worker/1/x.tmp'];
  for (const name of [...partial, ...others]) writeFileSync(join(run, name), '');
  removePartialFiles(directoriesOfRun(run));
  t.deepEqual(
    partial.filter(name => existsSync(join(run, name))),
    [],
  );
  t.deepEqual(
    others.filter(name => !existsSync(join(run, name))),
    [],
  );
  removePartialFiles(directoriesOfRun(join(run, 'none')));
});
