import test from 'ava';
import { awaitSecrets, secretsOf } from '../../../src/actors/secrets.ts';
import { redactor } from '../../../src/secrets/redact.ts';
import type { Vault } from '../../../src/secrets/vault.ts';
import { agent, fakeClock, input, never, rejection } from '../_helpers/actor-ports.ts';

const plan = () => agent();
const vaultOf = (open: Vault['open']): Vault => ({ open, learn: () => {}, redactor: redactor([]) });

test('the secrets of an agent are read from the vault', t => {
  const values = { TOKEN: 'canary' };
  t.deepEqual(secretsOf({ plan, vault: vaultOf(() => ({ values })) }, 'a'), values);
});

test('a missing secret is a failure of kind missingSecret, with the message of the vault', async t => {
  const vault = vaultOf(() => ({ missing: 'the secret TOKEN is missing' }));
  const error = await rejection((async () => secretsOf({ plan, vault }, 'a'))());
  t.like(error, { kind: 'missingSecret', message: 'the secret TOKEN is missing' });
});

test('the vault is polled every two seconds until no secret is missing', async t => {
  const { clock, slept } = fakeClock();
  let left = 3;
  const vault = vaultOf(() => (--left > 0 ? { missing: 'TOKEN' } : { values: {} }));
  await awaitSecrets({ clock, plan, vault }, input, never);
  t.deepEqual(slept, [2_000, 2_000]);
});

test('an abort ends the wait for secrets', async t => {
  const { clock } = fakeClock();
  const vault = vaultOf(() => ({ missing: 'TOKEN' }));
  const signal = AbortSignal.abort(new Error('enough'));
  await t.throwsAsync(awaitSecrets({ clock, plan, vault }, input, signal), { message: 'enough' });
});
