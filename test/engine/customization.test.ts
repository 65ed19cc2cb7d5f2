import test from 'ava';
import { isExhaustive } from '../samples.ts';
import { clis } from './clis.ts';
import { getsOnlyOurs, trustsWorkspace } from './customized-runs.ts';

for (const cli of clis) {
  const { name } = cli;
  test.serial(
    `${name} gets the server, skill and instructions of the spec, and runs none of the repository`,
    getsOnlyOurs,
    cli,
    false,
  );
  // The others take a minute each: with `scripts/test --all`.
  if (name !== 'claude' && !isExhaustive) continue;
  test.serial(`an interactive ${name} does the same`, getsOnlyOurs, cli, true);
  test.serial(`${name} runs hooks and servers of a repository that the spec trusts`, trustsWorkspace, cli);
}
