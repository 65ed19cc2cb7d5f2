import test from 'ava';
import { providerNamed, providerNames, providers } from '../../../src/providers/catalogue.ts';
import { report as reportField } from '../../../src/spec/report-field.ts';
import { ai } from '../_helpers/provider.ts';

test('a provider is found by its name, and by no name of a built-in property', t => {
  for (const provider of providers) t.is(providerNamed(provider.name), provider);
  for (const name of ['command', 'Claude', '', 'constructor', '__proto__'])
    t.is(providerNamed(name), undefined);
});

test('names are unique, and tested providers come first', t => {
  t.is(new Set(providerNames).size, providers.length);
  const verified = providers.map(({ verified }) => verified);
  t.deepEqual(
    verified,
    verified.toSorted((a, b) => Number(b) - Number(a)),
  );
});

test('the report of every provider is valid as the report of a custom one', t => {
  for (const { name, report } of providers) t.deepEqual(reportField.parse(report), report, name);
});

test('every pattern is a valid regular expression', t => {
  for (const { report, interactive } of providers) {
    const patterns = [
      report?.login,
      report?.quota,
      report?.words?.asks,
      report?.words?.waits,
      interactive?.ready,
      ...(interactive?.dialogs.map(({ pattern }) => pattern) ?? []),
    ];
    for (const pattern of patterns) if (pattern) t.notThrows(() => new RegExp(pattern, 'im'), pattern);
  }
});

test('every CLI is installed in an exact version', t => {
  for (const { name, install } of providers)
    t.regex(install.version ?? '', /^\d+\.\d+\.\d+(-[\w.-]+)?$/, name);
});

test('no CLI is installed by a downloaded script', t => {
  for (const { name, install } of providers)
    if ('script' in install) t.notRegex(install.script, /\|\s*(ba)?sh\b/, name);
});

test('an unattended CLI has no terminal to ask at', async t => {
  for (const { name, keys } of providers) {
    const { stdin } = await ai(name, {}, { [keys[0]!]: 'dummy-key' });
    t.not(stdin, 'terminal', name);
  }
});

test('no login is also a variable that is stored with the run', t => {
  for (const { name, keys, aliases, passThroughEnv } of providers)
    for (const key of [...keys, ...Object.values(aliases)])
      t.false(passThroughEnv.includes(key), `${name}: ${key}`);
});
