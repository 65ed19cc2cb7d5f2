import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type FailureKind, isRetryable } from '../../machines/outcome.ts';
import { exitCodeOf } from '../../src/state/result.ts';
import { ends, failure, started, stateAfter } from './_helpers/story.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Every kind of failure: the type check fails if one is missing. */
const kinds: Readonly<Record<FailureKind, true>> = {
  exit: true,
  signal: true,
  tmuxLost: true,
  outOfMemory: true,
  injectTimeout: true,
  infrastructure: true,
  hostLost: true,
  timeout: true,
  idle: true,
  image: true,
  gpu: true,
  network: true,
  workspace: true,
  authentication: true,
  quota: true,
  check: true,
  budget: true,
  needsInput: true,
  missingSecret: true,
  output: true,
  reference: true,
  outOfResources: true,
  nameConflict: true,
  docker: true,
  unreachable: true,
  transient: true,
  dependency: true,
  when: true,
  rejected: true,
  forEach: true,
  internal: true,
};

test('the failure table matches the exit code and the retries of each kind', t => {
  const rows = read('docs/lifecycle.md')
    .split('\n')
    .map(line => line.split('|').map(cell => cell.trim()))
    .filter(cells => Object.hasOwn(kinds, cells[1]?.replaceAll('`', '') ?? ''));
  t.deepEqual(rows.map(cells => cells[1]!.replaceAll('`', '')).sort(), Object.keys(kinds).sort());
  for (const [, name = '', , status = '', exitCode, retried] of rows) {
    const kind = name.replaceAll('`', '') as FailureKind;
    const outcome = { ...failure(kind), status: status as 'failed', error: { ...failure(kind).error, kind } };
    t.is(exitCodeOf(stateAfter(started({ a: [] }), ends(1, 'a', outcome))), Number(exitCode), kind);
    t.is(isRetryable(outcome), retried === 'yes', kind);
  }
});

test('the headings of the troubleshooting page match messages in the code', t => {
  const sources = ['src', 'machines'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts'))
      .map(name => read(join(folder, name))),
  );
  const code = sources.join('\n').replaceAll(/\$\{[^}]*\}/g, '*');
  const headings = [...read('docs/troubleshooting.md').matchAll(/^### `(.+)`$/gm)].map(([, text]) => text!);
  t.true(headings.length > 15);
  // docker/classify-error.ts builds messages from "could not" and an operation.
  for (const heading of headings)
    for (const part of heading
      .replace(/^could not /, '')
      .split(/\b[A-Z]{4,}\b/)
      .map(part => part.trim().replace(/^, /, '')))
      t.true(code.includes(part), `no message contains "${part}"`);
});

test('the layout in CONTRIBUTING.md lists the folders of src', t => {
  const layout = read('CONTRIBUTING.md').split('## Layout')[1]!.split('## Code rules')[0]!;
  const listed = [...layout.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name]) => name!);
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter(entry =>
    entry.isDirectory(),
  );
  t.deepEqual(listed.toSorted(), folders.map(({ name }) => name).toSorted());
});

test('each claim in docs/security.md names an existing test', t => {
  const rows = read('docs/security.md')
    .split('\n')
    .filter(line => /^\| [^-p]/.test(line));
  t.true(rows.length > 15);
  for (const row of rows) {
    const named = [...row.matchAll(/`(test\/[\w/.-]+\.ts)`(?:, \*([^*]+)\*)?/g)];
    if (named.length === 0) t.fail(row);
    for (const [, file, title] of named) t.true(read(file!).includes(title ?? ''), `${file}: ${title}`);
  }
});

test('the README has at most 250 lines', t => {
  t.true(read('README.md').split('\n').length <= 251);
});

test('every link in the documentation leads to an existing file', t => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'machines/README.md', 'docker/README.md'].concat(
    readdirSync(join(root, 'docs'))
      .filter(name => name.endsWith('.md'))
      .map(name => `docs/${name}`),
  );
  for (const page of pages)
    for (const [, link = ''] of read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g))
      if (!/^\w+:/.test(link)) t.notThrows(() => read(join(page, '..', link)), `${page}: ${link}`);
});
