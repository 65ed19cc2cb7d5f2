import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { examples } from '../../../src/examples/catalogue.ts';
import { loadSpec } from '../../../src/spec/load.ts';
import { createCli } from '../_helpers/command-line.ts';
import { repository } from '../_helpers/repositories.ts';

for (const { name, folder, spec, about } of examples())
  test(`the example ${name} is valid, and has a description`, async t => {
    const { path } = createCli(t);
    mkdirSync(join(path, '.git'));
    const plan = await loadSpec(join(folder, spec), { env: { DEMO_REPOSITORY: path } });
    t.true(plan.agents.length > 0);
    t.regex(about, /^[A-Z].{20,90}\.$/);
  });

test('init writes a commented spec that validates, and prints the next steps', async t => {
  const { path, run } = createCli(t);
  const { exitCode, stdout, stderr } = await run(['init']);
  t.is(exitCode, 0, stderr);
  t.is(stdout, '');
  t.regex(stderr, /^wrote agent-flow\.json\..*agent-flow doctor.*agent-flow run agent-flow\.json/s);
  t.true(readFileSync(join(path, 'agent-flow.json'), 'utf8').split('//').length > 10);
  t.is((await run(['validate', 'agent-flow.json'])).exitCode, 0);
});

test('in a git repository with a commit, the agents of the starter work in clones', async t => {
  const { path, run } = createCli(t);
  repository(path);
  const { exitCode, stderr } = await run(['init']);
  t.is(exitCode, 0, stderr);
  const { agents } = await loadSpec(join(path, 'agent-flow.json'), { env: {} });
  t.deepEqual([...new Set(agents.map(({ workspace }) => workspace.mode))], ['clone']);
});

test('init overwrites no file, and with --force only the spec', async t => {
  const { path, run } = createCli(t);
  writeFileSync(join(path, 'agent-flow.json'), 'mine');
  const refused = await run(['init']);
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /nothing was written.*agent-flow\.json already.*--force/);
  t.is(readFileSync(join(path, 'agent-flow.json'), 'utf8'), 'mine');
  t.is((await run(['init', '--force'])).exitCode, 0);
  t.not(readFileSync(join(path, 'agent-flow.json'), 'utf8'), 'mine');

  mkdirSync(join(path, 'there'));
  writeFileSync(join(path, 'there', 'writer.sh'), 'mine');
  const half = await run(['init', 'there', '--example', 'prompt-and-done', '--force']);
  t.is(half.exitCode, 2);
  t.regex(half.stderr, /writer\.sh already/);
  t.deepEqual(readdirSync(join(path, 'there')), ['writer.sh']);
});

test('init does not follow a dangling link, and refuses a path that it cannot write', async t => {
  const { path, run } = createCli(t);
  symlinkSync(join(path, 'elsewhere'), join(path, 'agent-flow.json'));
  t.is((await run(['init'])).exitCode, 2);
  t.false(readdirSync(path).includes('elsewhere'));
  const { exitCode, stderr } = await run(['init', 'agent-flow.json/below']);
  t.is(exitCode, 2);
  t.regex(stderr, /cannot be written/);
});

test('init copies an example with all its files into a folder of its name', async t => {
  const { path, run } = createCli(t);
  const { stdout } = await run(['init', '--example', 'fix-and-report', '--json']);
  const { spec, files } = JSON.parse(stdout);
  t.is(spec, join(path, 'fix-and-report', 'spec.json'));
  for (const file of files) t.true(statSync(file).isFile());
  t.true(files.includes(join(path, 'fix-and-report', 'repository', 'agents', 'fixer.sh')));
});

test('init lists the examples, also when the requested one does not exist', async t => {
  const { run } = createCli(t);
  t.regex((await run(['init', '--list'])).stdout, /^parallel-checks +Lint, test and build .*\.$/m);
  const { exitCode, stderr } = await run(['init', '--example', 'nope']);
  t.is(exitCode, 2);
  t.regex(stderr, /example nope does not exist.*parallel-checks/);
});
