import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type Mutant, mutants } from './engine-mutants.ts';
import { cell, isWhole } from './tally.ts';

const root = join(import.meta.dirname, '..', '..');
const parts = ['src', 'machines', 'docker', 'schemas', 'test', 'package.json', 'ava.config.js'];

/** A copy of this checkout without one of its safeguards. */
function mutated(t: ExecutionContext, { edits }: Mutant): string {
  const copy = mkdtempSync(join(tmpdir(), 'agent-flow-mutant-'));
  t.teardown(() => rmSync(copy, { recursive: true, force: true }));
  for (const part of parts) cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const [file, from, to] of edits) {
    const text = readFileSync(join(copy, file), 'utf8');
    writeFileSync(
      join(copy, file),
      text.replace(from, () => to),
    );
  }
  return copy;
}

test('every edit of a mutant matches the source exactly once', t => {
  for (const [file, from] of mutants.flatMap(({ edits }) => edits))
    t.is(
      readFileSync(join(root, file), 'utf8').split(from).length,
      2,
      `${file} does not contain ${from} exactly once`,
    );
});

for (const mutant of isWhole ? mutants : mutants.slice(0, 1)) {
  const title = `an engine without ${mutant.drops} is detected`;
  cell({ block: 'M', fault: `without ${mutant.drops}`, title }, async t => {
    t.timeout(1_200_000);
    const [file, match] = mutant.caughtBy;
    const { exitCode, stdout } = await execa(
      'node_modules/.bin/ava',
      ['--tap', '--timeout=15m', `--match=${match}`, `test/faults/${file}`],
      // The tally must not count tests that are meant to fail.
      {
        cwd: mutated(t, mutant),
        reject: false,
        env: { FAULTS: 'all', FAULTS_TALLY: '', AGENT_FLOW_BIN: '' },
      },
    );
    t.is(exitCode, 1, stdout);
    t.regex(stdout, /^not ok /m);
    t.regex(stdout, mutant.output);
  });
}
