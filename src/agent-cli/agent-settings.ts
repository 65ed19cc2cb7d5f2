#!/usr/bin/env node
// agent-settings FILE JSON: merges JSON into a file under the home, and keeps what else is in it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { merge } from './merge.ts';

const [file = '', json = ''] = process.argv.slice(2);
const path = join(homedir(), file);
try {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const merged = merge(read(path), JSON.parse(json));
  writeFileSync(path, `${JSON.stringify(merged, null, 2)}\n`, { mode: 0o600 });
} catch (error) {
  console.error(`agent-settings: cannot write ${path}: ${(error as Error).message}`);
  process.exit(1);
}

/** Return an empty object for a file that is missing, or that its CLI could not read either. */
function read(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}
