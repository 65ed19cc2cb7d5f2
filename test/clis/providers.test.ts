import test from 'ava';
import { furtherClis } from '../engine/clis.ts';
import { failsWithRejectedKey, followsItsPrompt } from '../engine/provider-runs.ts';

for (const cli of furtherClis) {
  test.serial(`${cli.name} follows its prompt in a run that sets only the provider`, followsItsPrompt, cli);
  test.serial(
    `${cli.name} with a rejected key fails at once and names the variable to set`,
    failsWithRejectedKey,
    cli,
  );
}
