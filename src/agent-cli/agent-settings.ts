#!/usr/bin/env node
// agent-settings FILE JSON: merge JSON into a file in the home directory, and keep its other content.
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

/** Parse the file. Return an empty object if it is missing or is not valid, as its CLI could not read it either. */
function read(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}
