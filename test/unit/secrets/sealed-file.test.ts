import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { newSealKey, sealValues, unsealValues } from '../../../src/secrets/sealed-file.ts';

const values = ['canary-1f8e2c', 'ünïcode\nof two lines'];

function sealed(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-seal-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'agents', 'a', '1', 'secrets.sealed');
  const seal = { key: newSealKey(), containerId: 'c0ffee' };
  sealValues(file, seal, values);
  return { file, seal };
}

test('the key unseals the values, and the file contains neither the values nor the key', t => {
  const { file, seal } = sealed(t);
  t.deepEqual(unsealValues(file, seal), values);
  const text = readFileSync(file, 'utf8');
  t.false(text.includes('canary') || text.includes(Buffer.from('canary').toString('base64').slice(0, 6)));
  t.false(text.includes(seal.key));
  t.is(statSync(file).mode & 0o777, 0o600);
  t.is(statSync(join(file, '..')).mode & 0o777, 0o700);
});

test('unsealValues throws for a wrong key', t => {
  const { file, seal } = sealed(t);
  t.throws(() => unsealValues(file, { ...seal, key: newSealKey() }));
  t.throws(() => unsealValues(file, { ...seal, key: '' }));
});

test('unsealValues throws for a changed or truncated file', t => {
  const { file, seal } = sealed(t);
  const text = readFileSync(file, 'utf8');
  const { iv, tag, data } = JSON.parse(text);
  for (const part of [iv, tag, data]) {
    const changed = `${part[0] === 'A' ? 'B' : 'A'}${part.slice(1)}`;
    writeFileSync(file, text.replace(part, changed));
    t.throws(() => unsealValues(file, seal));
  }
  writeFileSync(file, `${text.slice(0, 40)}\n`);
  t.throws(() => unsealValues(file, seal));
  writeFileSync(file, text);
  t.deepEqual(unsealValues(file, seal), values);
});

test('values of every injection are kept, and equal values are written once', t => {
  const { file, seal } = sealed(t);
  const before = readFileSync(file, 'utf8');
  sealValues(file, seal, values);
  t.is(readFileSync(file, 'utf8'), before);
  sealValues(file, seal, [values[0]!, 'renewed-value']);
  t.deepEqual(unsealValues(file, seal), [...values, 'renewed-value']);
});

test('the file of an attempt contains the values of each of its containers', t => {
  const { file, seal } = sealed(t);
  const second = { key: newSealKey(), containerId: 'decaf' };
  t.is(unsealValues(file, second), null);
  sealValues(file, second, ['of-the-second']);
  t.deepEqual(unsealValues(file, second), ['of-the-second']);
  t.deepEqual(unsealValues(file, seal), values);
});

test('unsealValues returns null without a file', t => {
  t.is(unsealValues('/nonexistent/secrets.sealed', { key: newSealKey(), containerId: 'x' }), null);
});
