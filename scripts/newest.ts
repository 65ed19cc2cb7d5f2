#!/usr/bin/env node
// scripts/newest.ts NAME…: set the release of these providers, in src/providers, to the newest one of npm.
import { readFileSync, writeFileSync } from 'node:fs';
import { releaseRows } from '../src/commands/providers/outdated.ts';
import { providerNamed } from '../src/providers/catalogue.ts';

const names = process.argv.slice(2);
const unknown = names.filter(name => !('npm' in (providerNamed(name)?.install ?? {})));
if (names.length === 0 || unknown.length > 0) {
  console.error(
    `usage: scripts/newest.ts NAME…, of providers that npm installs${unknown.map(name => `; not ${name}`)}`,
  );
  process.exit(2);
}

for (const { name, version, newest, error } of await releaseRows(names.map(name => providerNamed(name)!))) {
  if (newest === null) throw new Error(`the newest release of ${name} is unknown: ${error}`);
  const file = new URL(`../src/providers/${name}.ts`, import.meta.url);
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(`version: '${version}'`, () => `version: '${newest}'`),
  );
  console.log(`${name}: ${version} -> ${newest}`);
}
