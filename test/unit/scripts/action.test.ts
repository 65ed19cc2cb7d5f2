import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';

const root = join(import.meta.dirname, '..', '..', '..');

/** Create a checkout whose agent-flow records its arguments, then runs `stub`. */
function checkout(t: ExecutionContext, stub: string) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-action-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['scripts', 'src', 'node_modules', 'work']) mkdirSync(join(folder, name));
  cpSync(join(root, 'scripts', 'action'), join(folder, 'scripts', 'action'));
  const head = `import { writeFileSync } from 'node:fs';
    writeFileSync(${JSON.stringify(join(folder, 'called'))}, JSON.stringify({ argv: process.argv.slice(2), cwd: process.cwd() }));`;
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'src', 'bin.ts'), `${head}\n${stub}`);
  const output = join(folder, 'output');
  writeFileSync(output, '');
  return {
    folder,
    start: (env: Record<string, string>) =>
      execa('bash', ['-e', '-c', 'exec "$GITHUB_ACTION_PATH/scripts/action"'], {
        cwd: join(folder, 'work'),
        reject: false,
        env: { GITHUB_ACTION_PATH: folder, GITHUB_OUTPUT: output, RUNNER_TEMP: folder, ...env },
      }),
    called: () => JSON.parse(readFileSync(join(folder, 'called'), 'utf8')),
    outputs: () =>
      Object.fromEntries(
        readFileSync(output, 'utf8')
          .split('\n')
          .filter(Boolean)
          .map(line => line.split('=', 2)),
      ),
  };
}

const prints = (code: number) =>
  `console.log(JSON.stringify({ runId: 'r1234567', name: 'x\\nstatus=forged', status: 'failed' })); process.exitCode = ${code};`;

test('the action outputs the run id, status and result, and exits with the code of the run', async t => {
  const { start, outputs, called, folder } = checkout(t, prints(4));
  const { exitCode, stdout } = await start({ SPEC: 'spec.json' });
  t.is(exitCode, 4);
  t.is(stdout, '');
  t.deepEqual(called(), { argv: ['run', 'spec.json', '--json'], cwd: join(folder, 'work') });
  const { result, ...others } = outputs();
  t.deepEqual(others, { 'run-id': 'r1234567', status: 'failed' });
  t.is(JSON.parse(readFileSync(result, 'utf8')).runId, 'r1234567');
});

test('inputs are passed unchanged, without shell expansion', async t => {
  const { start, called, folder } = checkout(t, prints(0));
  mkdirSync(join(folder, 'work', 'in here'));
  const hostile = '-$(touch pwned)`touch pwned`;"\' x.json';
  const { exitCode } = await start({
    SPEC: hostile,
    ARGS: `--concurrency\r\n2\n\n${hostile}\n*`,
    JUNIT: `-out of ${hostile}`,
    WORKING_DIRECTORY: 'in here',
  });
  t.is(exitCode, 0);
  t.deepEqual(called(), {
    argv: ['run', `./${hostile}`, '--json', '--concurrency', '2', hostile, '*', `--junit=-out of ${hostile}`],
    cwd: join(folder, 'work', 'in here'),
  });
  t.throws(() => readFileSync(join(folder, 'work', 'in here', 'pwned')));
});

test('the build tools of the inspector page are installed only for --html and --inspect', async t => {
  const { folder, start } = checkout(t, prints(0));
  const calls = join(folder, 'npm-calls');
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'npm'), `#!/bin/sh\necho "$@" >>'${calls}'\n`, { mode: 0o755 });
  const PATH = `${join(folder, 'bin')}:${process.env.PATH}`;
  await start({ SPEC: 'spec.json', ARGS: '--concurrency\n2', PATH });
  t.false(existsSync(calls));
  for (const ARGS of ['--html\nrun.html', '--html=run.html', '--inspect']) {
    await start({ SPEC: 'spec.json', ARGS, PATH });
    t.regex(
      readFileSync(calls, 'utf8'),
      /^install .*--no-save .*--ignore-scripts .*\besbuild preact\b[^\n]*\n$/,
    );
    rmSync(calls);
  }
  writeFileSync(join(folder, 'bin', 'npm'), '#!/bin/sh\nexit 1\n');
  const failed = await start({ SPEC: 'spec.json', ARGS: '--html\nrun.html', PATH });
  t.is(failed.exitCode, 2);
  t.regex(failed.stderr, /could not install the build tools of the inspector page/);
});

test('a run that did not start sets no outputs and leaves no result file', async t => {
  const { start, outputs, folder } = checkout(t, `process.exitCode = 2;`);
  t.is((await start({ SPEC: 'no.json' })).exitCode, 2);
  t.deepEqual(outputs(), {});
  const { stdout } = await execa('ls', [folder]);
  t.false(stdout.includes('agent-flow-result'));
});

test('output that is not a result is printed, and sets no outputs', async t => {
  const { start, outputs } = checkout(t, `console.log('how to use it');`);
  const { exitCode, stdout, stderr } = await start({ SPEC: 'spec.json', ARGS: '--help' });
  t.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: 'how to use it', stderr: '' });
  t.deepEqual(outputs(), {});
});

test('a missing spec or working directory is reported', async t => {
  const { start } = checkout(t, prints(0));
  const withoutSpec = await start({});
  t.is(withoutSpec.exitCode, 2);
  t.regex(withoutSpec.stderr, /the input "spec", the path of a spec, is missing/);
  const wrongDirectory = await start({ SPEC: 's', WORKING_DIRECTORY: 'no' });
  t.is(wrongDirectory.exitCode, 2);
  t.regex(wrongDirectory.stderr, /cannot enter the working directory no$/m);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`a job that is cancelled with ${signal} waits for the run to clean up`, async t => {
    const { start, outputs } = checkout(
      t,
      `process.on('SIGTERM', () => setTimeout(() => { ${prints(143)} clearTimeout(alive); }, 200));
       const alive = setTimeout(() => {}, 30_000);
       console.error('ready');`,
    );
    const action = start({ SPEC: 'spec.json' });
    for await (const line of action.iterable({ from: 'stderr' })) {
      t.is(line, 'ready');
      action.kill(signal);
    }
    t.is((await action).exitCode ?? null, 143);
    t.is(outputs()['run-id'], 'r1234567');
  });

test('action.yml has no expression in a shell command', t => {
  const lines = readFileSync(join(root, 'action.yml'), 'utf8').split('\n');
  const expressions = lines.filter(line => line.includes('${{'));
  t.true(expressions.length >= 7);
  for (const line of expressions)
    t.regex(
      line,
      /^ +(?:[A-Z_]+: \$\{\{ inputs\.[a-z-]+ \}\}|value: \$\{\{ steps\.run\.outputs\.[a-z-]+ \}\})$/,
    );
});

test('the action passes exactly the inputs that it declares', t => {
  const text = readFileSync(join(root, 'action.yml'), 'utf8');
  const [, declared = ''] = /^inputs:\n([\s\S]*?)^\w/m.exec(text) ?? [];
  const names = [...declared.matchAll(/^ {2}([a-z-]+):$/gm)].map(([, name]) => name!);
  const passed = [...text.matchAll(/^ +([A-Z_]+): \$\{\{ inputs\.([a-z-]+) \}\}$/gm)];
  t.deepEqual(passed.map(([, , name]) => name).sort(), [...names].sort());
  const script = readFileSync(join(root, 'scripts', 'action'), 'utf8');
  for (const [, variable] of passed) t.regex(script, new RegExp(`\\$\\{${variable}:-`));
});
