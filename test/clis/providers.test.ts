import test from 'ava';
import { furtherClis } from '../engine/clis.ts';
import { doesWhatItIsTold, failsAtOnceWhereItsKeyIsRefused } from '../engine/provider-runs.ts';

for (const cli of furtherClis) {
  test.serial(
    `${cli.name} does what its prompt says, in a run that names it and nothing else of it`,
    doesWhatItIsTold,
    cli,
  );
  test.serial(
    `${cli.name} whose key is refused has failed at once, and says which variable to set`,
    failsAtOnceWhereItsKeyIsRefused,
    cli,
  );
}
