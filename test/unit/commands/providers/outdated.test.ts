import test from 'ava';
import { releaseRows, releaseTable } from '../../../../src/commands/providers/outdated.ts';
import { providerNamed } from '../../../../src/providers/catalogue.ts';

const some = ['claude', 'aider', 'codex'].map(name => providerNamed(name)!);

test('a CLI that npm does not install is left out, and a failed look-up fails only its row', async t => {
  const rows = await releaseRows(some, async npm => {
    if (npm === '@openai/codex') throw new Error('no network');
    return { version: '999.0.0', published: null };
  });
  t.deepEqual(
    rows.map(({ name, newest, isOutdated, error }) => [name, newest, isOutdated, error]),
    [
      ['claude', '999.0.0', true, null],
      ['codex', null, false, 'no network'],
    ],
  );
  t.regex(releaseTable(rows), /^claude .* 999\.0\.0 +unknown +yes\ncodex .* unknown +unknown +unknown$/m);
});
