import test from 'ava';
import { providerNamed } from '../../src/providers/catalogue.ts';
import { furtherClis } from '../engine/clis.ts';
import { getsOnlyOurs, getsOurs, trustsWorkspace } from '../engine/customized-runs.ts';
import { place } from '../engine/flow.ts';
import { failsWithRejectedKey, followsItsPrompt } from '../engine/provider-runs.ts';

/** The servers, skills and instructions of the others follow their documentation, and are not tested. */
const customizable = ['opencode', 'copilot', 'cline'];

for (const cli of furtherClis) {
  const { name, title = name } = cli;
  test.serial(`${title} follows its prompt in a run that sets only the provider`, followsItsPrompt, cli);
  test.serial(
    `${title} with a rejected key fails at once and names the variable to set`,
    failsWithRejectedKey,
    cli,
  );
  if (cli.title === undefined)
    test.serial(`nothing fails in a check of ${name}`, async t => {
      const here = place(t);
      const { exitCode, stdout } = await here.agentFlow(['providers', '--check', name]);
      t.is(exitCode, 0, stdout);
      t.notRegex(stdout, /not checked/);
    });
  if (!customizable.includes(name)) continue;
  if (providerNamed(cli.name)!.customization.trust === null) {
    test.serial(`${cli.name} gets the server, skill and instructions of the spec`, getsOurs, cli);
    continue;
  }
  test.serial(
    `${cli.name} gets the server, skill and instructions of the spec, and runs none of the repository`,
    getsOnlyOurs,
    cli,
    false,
  );
  test.serial(
    `${cli.name} runs hooks and servers of a repository that the spec trusts`,
    trustsWorkspace,
    cli,
  );
}
