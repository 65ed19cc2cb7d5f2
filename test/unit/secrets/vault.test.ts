import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { redacted } from '../../../src/secrets/find-secrets.ts';
import { vaultOf } from '../../../src/secrets/vault.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

test('a value of a renewed file is redacted as soon as it is handed out, and the old one stays redacted', t => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-vault-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  writeFileSync(file, 'the-old-value\n');
  const agent = { ...defaultPlan, secrets: [{ name: 'TOKEN', file }] };
  const vault = vaultOf({ name: 'x', concurrency: null, agents: [agent] }, {});
  // As the journal and the recorder hold it.
  const { deep } = vault.redactor;
  const both = 'the-old-value the-new-value';
  writeFileSync(file, 'the-new-value\n');
  // A positive control: nobody has been given the new one.
  t.is(deep(both), `${redacted} the-new-value`);
  t.deepEqual(vault.open(agent), { values: { TOKEN: 'the-new-value' } });
  t.is(deep(both), `${redacted} ${redacted}`);
});

test('a value that an earlier engine process handed out is redacted once it is learned', t => {
  const vault = vaultOf({ name: 'x', concurrency: null, agents: [defaultPlan] }, {});
  const { deep } = vault.redactor;
  t.is(deep('handed-out'), 'handed-out');
  vault.learn(['handed-out']);
  t.is(deep('handed-out'), redacted);
});
