import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { redacted } from '../../../src/secrets/find-secrets.ts';
import { vaultOf } from '../../../src/secrets/vault.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

test('a renewed secret file is redacted once it is opened, and the old value stays redacted', t => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-vault-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  writeFileSync(file, 'the-old-value\n');
  const agent = { ...defaultPlan, secrets: [{ name: 'TOKEN', file }] };
  const vault = vaultOf({ name: 'x', concurrency: null, agents: [agent] }, {});
  // The journal and the recorder keep the function from the start.
  const { deep } = vault.redactor;
  const both = 'the-old-value the-new-value';
  writeFileSync(file, 'the-new-value\n');
  // Control: the new value is not redacted before it is opened.
  t.is(deep(both), `${redacted} the-new-value`);
  t.deepEqual(vault.open(agent), { values: { TOKEN: 'the-new-value' } });
  t.is(deep(both), `${redacted} ${redacted}`);
});

test('a value that an earlier supervisor injected is redacted once it is learned', t => {
  const vault = vaultOf({ name: 'x', concurrency: null, agents: [defaultPlan] }, {});
  const { deep } = vault.redactor;
  t.is(deep('injected-value'), 'injected-value');
  vault.learn(['injected-value']);
  t.is(deep('injected-value'), redacted);
});

test('a secret that no header can contain is missing for its proxy', t => {
  const byHost = { hosts: ['api.example.com:443'], header: 'Authorization: Bearer $' };
  const agent = { ...defaultPlan, secrets: [{ name: 'TOKEN', file: null, byHost }] };
  for (const [value, isUsable] of [
    ['a-usable-value', true],
    ['two\r\nlines: of text', false],
    ['an-é-in-it', false],
  ] as const) {
    const vault = vaultOf({ name: 'x', concurrency: null, agents: [agent] }, { TOKEN: value });
    t.is('values' in vault.open(agent), isUsable, value);
  }
});
