import { rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { redacted } from '../../../src/secrets/find-secrets.ts';
import { agent, attempt, never, sealedRun } from '../_helpers/sealed-run.ts';

const value = 'canary-41d0';

test('a process without the secrets redacts those that another process injected', async t => {
  const run = sealedRun(t);
  t.true(await run.process({ TOKEN: value }).seals.seal(attempt, [value], never));
  const { vault, seals } = run.process({});
  // Control: the value is not redacted before it is unsealed.
  t.is(vault.redactor.text(value), value);
  t.is(await seals.unseal(attempt, never), null);
  t.is(vault.redactor.text(value), redacted);

  const reader = run.process({});
  reader.seals.unsealAll([run.container]);
  t.is(reader.vault.redactor.text(value), redacted);
});

test('if the seal is unreadable, current values are redacted, or the reason is returned', async t => {
  const run = sealedRun(t);
  await run.process({ TOKEN: value }).seals.seal(attempt, [value], never);
  const damage = [() => writeFileSync(run.file, 'x\n'), () => rmSync(run.file)];
  for (const [index, why] of [/is damaged/, /is missing/].entries()) {
    damage[index]!();
    const without = await run.process({}).seals.unseal(attempt, never);
    t.regex(without!, why);
    t.regex(without!, /secret TOKEN is not set/);
    t.is(await run.process({ TOKEN: value }).seals.unseal(attempt, never), null);
  }
});

test('an attempt without secrets or without a container needs no unsealing', async t => {
  const run = sealedRun(t);
  const { seals } = run.process({});
  t.is(await seals.unseal({ ...attempt, injectedAt: null }, never), null);
  t.is(await seals.unseal({ ...attempt, containerId: null }, never), null);
  t.not(await seals.unseal(attempt, never), null);
  run.remove();
  t.is(await seals.unseal(attempt, never), null);
  t.false(await seals.seal(attempt, [value], never));
});

test('the secrets of an adopted agent are unsealed without secrets in its plan', async t => {
  const run = sealedRun(t);
  const adopted = { ...agent, secrets: [] };
  await run.process({ TOKEN: value }).seals.seal(attempt, [value], never);
  const { vault, seals } = run.process({}, adopted);
  t.is(await seals.unseal(attempt, never), null);
  t.is(vault.redactor.text(value), redacted);
  rmSync(run.file);
  t.regex((await run.process({}, adopted).seals.unseal(attempt, never))!, /is missing/);
});
