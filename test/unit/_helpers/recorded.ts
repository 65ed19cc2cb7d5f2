import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', '..', 'fixtures', 'cli-events');

/** Return the lines that the pinned release of an AI CLI printed with a simulated model. */
export const recorded = (name: 'claude' | 'codex' | 'gemini' | 'opencode' | 'cline'): readonly unknown[] =>
  readFileSync(join(folder, `${name}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
