import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { FlowError } from '../../../src/errors.ts';
import { SpecError } from '../../../src/spec/errors.ts';
import { loadSpec } from '../../../src/spec/load.ts';
import { nameOfFile } from '../../../src/spec/name-of-file.ts';
import { directory, problems } from '../_helpers/spec.ts';

const specs = fileURLToPath(new URL('../../fixtures/specs', import.meta.url));
const load = (path: string) => loadSpec(path, { env: {} });

test('a spec is loaded with its files', async t => {
  const flow = await load(join(specs, 'fix-and-review.jsonc'));
  t.is(flow.name, 'fix-and-review');
  t.deepEqual(
    flow.agents.map(({ name }) => name),
    ['fixer', 'reviewer', 'tests'],
  );
  t.is(flow.agents[1]!.prompt, 'Review what was done.\n');
  t.deepEqual(flow.agents[1]!.workspace, { mode: 'bind', path: specs });
});

test('all problems are reported at once, in the order of the file', async t => {
  const error = await t.throwsAsync(load(join(specs, 'many-problems.jsonc')), { instanceOf: SpecError });
  t.deepEqual(
    error.problems.map(({ path }) => path),
    [
      'nmae',
      'agents.b.timeuots',
      'agents.b.command',
      'agents.b.memory',
      'agents.b.dependsOn',
      'agents.a.cpus',
      'agents.a.workspace',
      'agents.a.dependsOn[1]',
      'agents.a.image',
    ],
  );
  t.is(error.problems[3]!.value, '4 GB');
  t.is(error.message.split('\n').length, 10);
  t.regex(
    error.message,
    /many-problems\.jsonc has 9 problems:\n {2}nmae: unknown key; did you mean "name"\?\n/,
  );
  t.true(error instanceof FlowError);
  t.is(error.exitCode, 2);
});

test('a file that is missing, a directory, too large or not text is refused with its reason', async t => {
  await writeFile(join(directory, 'big.json'), Buffer.alloc(10 * 2 ** 20 + 1, 0x20));
  await writeFile(join(directory, 'latin1.json'), Buffer.from([0x22, 0xe9, 0x22]));
  const cases = {
    'nope.json': /nope\.json does not exist/,
    '.': /is a directory; expected a file/,
    'big.json': /larger than 10 MB/,
    'latin1.json': /is not UTF-8 text/,
  };
  for (const [name, message] of Object.entries(cases)) {
    await t.throwsAsync(load(join(directory, name)), { instanceOf: SpecError, message });
  }
});

test('syntax errors are reported with line and column, at most one per line', async t => {
  t.deepEqual(await problems('{\n  "agents": {\n    "a" {}\n  }\n'), [
    'line 3:9: expected ":" after the key',
  ]);
  t.deepEqual(await problems('{"a": [1 2]\n"b": 3 4}'), [
    'line 1:10: expected "," before this',
    'line 2:1: expected "," before this',
  ]);
  t.deepEqual(await problems(''), ['line 1:1: expected a value']);
  t.deepEqual(await problems("{'a': 1}"), ['line 1:2: this word is not JSON; put text in double quotes']);
});

test('a duplicate key is refused at its second occurrence', async t => {
  t.deepEqual(await problems('{"agents": {"a": {"command": ["x"],\n"cpus": 0.001,\n"command": ["y"]}}}'), [
    'agents.a.cpus: 0.001: expected a number of CPUs of at least 0.01, the least that Docker gives a container',
    'agents.a.command: given twice, first on line 1; keep one of them',
  ]);
});

test('endless nesting is an error, not a crash', async t => {
  t.regex((await problems('['.repeat(200_000)))[0]!, /nested too deeply/);
});

test('JSON that is not an object is refused', async t => {
  for (const text of ['[]', '3', '"x"', 'null'])
    t.regex((await problems(text))[0]!, /expected an object with "agents"$/);
});

test('a problem is one line of bounded length, whatever the value', async t => {
  const [line, ...more] = await problems({
    agents: { a: { command: ['x'], memory: `\u202e\x9b\n${'x'.repeat(500)}` } },
  });
  t.deepEqual(more, []);
  t.regex(line!, /^agents\.a\.memory: "\\u202e\\x9b\\n?x*\\?n?x*…: expected a size/);
  t.true(line!.length < 220);
});

test('a flow without a name is named after its file', t => {
  const cases = {
    '/x/spec.json': 'spec',
    'Fix & Review.JSONC': 'fix-review',
    'fix.spec.json': 'fix.spec',
    '--.json': 'flow',
    'é.json': 'flow',
    noext: 'noext',
  };
  for (const [path, name] of Object.entries(cases)) t.is(nameOfFile(path), name);
  t.is(nameOfFile(`${'a'.repeat(62)}-b.json`), 'a'.repeat(62));
});
