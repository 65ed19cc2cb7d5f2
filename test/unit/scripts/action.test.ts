import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';

const root = join(import.meta.dirname, '..', '..', '..');

/** A checkout whose agent-flow records how it was called and then runs `stub`. */
function checkout(t: ExecutionContext, stub: string) {
  const place = mkdtempSync(join(tmpdir(), 'agent-flow-action-'));
  t.teardown(() => rmSync(place, { recursive: true, force: true }));
  for (const folder of ['scripts', 'src', 'node_modules', 'work']) mkdirSync(join(place, folder));
  cpSync(join(root, 'scripts', 'action'), join(place, 'scripts', 'action'));
  const head = `import { writeFileSync } from 'node:fs';
    writeFileSync(${JSON.stringify(join(place, 'called'))}, JSON.stringify({ argv: process.argv.slice(2), cwd: process.cwd() }));`;
  writeFileSync(join(place, 'package.json'), '{"type":"module"}');
  writeFileSync(join(place, 'src', 'bin.ts'), `${head}\n${stub}`);
  const output = join(place, 'output');
  writeFileSync(output, '');
  return {
    place,
    start: (env: Record<string, string>) =>
      execa('bash', ['-e', '-c', 'exec "$GITHUB_ACTION_PATH/scripts/action"'], {
        cwd: join(place, 'work'),
        reject: false,
        env: { GITHUB_ACTION_PATH: place, GITHUB_OUTPUT: output, RUNNER_TEMP: place, ...env },
      }),
    called: () => JSON.parse(readFileSync(join(place, 'called'), 'utf8')),
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

test('the action outputs the run, its status and its result, and exits with the code of the run', async t => {
  const { start, outputs, called, place } = checkout(t, prints(4));
  const { exitCode, stdout } = await start({ SPEC: 'spec.json' });
  t.is(exitCode, 4);
  t.is(stdout, '');
  t.deepEqual(called(), { argv: ['run', 'spec.json', '--json'], cwd: join(place, 'work') });
  const { result, ...others } = outputs();
  t.deepEqual(others, { 'run-id': 'r1234567', status: 'failed' });
  t.is(JSON.parse(readFileSync(result, 'utf8')).runId, 'r1234567');
});

test('inputs arrive unchanged, and no shell expands them', async t => {
  const { start, called, place } = checkout(t, prints(0));
  mkdirSync(join(place, 'work', 'in here'));
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
    cwd: join(place, 'work', 'in here'),
  });
  t.throws(() => readFileSync(join(place, 'work', 'in here', 'pwned')));
});

test('the build tools of the inspector page are installed only for --html and --inspect', async t => {
  const { place, start } = checkout(t, prints(0));
  const calls = join(place, 'npm-calls');
  mkdirSync(join(place, 'bin'));
  writeFileSync(join(place, 'bin', 'npm'), `#!/bin/sh\necho "$@" >>'${calls}'\n`, { mode: 0o755 });
  const PATH = `${join(place, 'bin')}:${process.env.PATH}`;
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
  writeFileSync(join(place, 'bin', 'npm'), '#!/bin/sh\nexit 1\n');
  const failed = await start({ SPEC: 'spec.json', ARGS: '--html\nrun.html', PATH });
  t.is(failed.exitCode, 2);
  t.regex(failed.stderr, /could not install the build tools of the inspector page/);
});

test('a run that did not start has no outputs and leaves no result behind', async t => {
  const { start, outputs, place } = checkout(t, `process.exitCode = 2;`);
  t.is((await start({ SPEC: 'no.json' })).exitCode, 2);
  t.deepEqual(outputs(), {});
  const { stdout } = await execa('ls', [place]);
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
  const without = await start({});
  t.is(without.exitCode, 2);
  t.regex(without.stderr, /the input "spec", the path of a spec, is missing/);
  const nowhere = await start({ SPEC: 's', WORKING_DIRECTORY: 'no' });
  t.is(nowhere.exitCode, 2);
  t.regex(nowhere.stderr, /cannot enter the working directory no$/m);
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

test('action.yml has no expression in a line that a shell reads', t => {
  const lines = readFileSync(join(root, 'action.yml'), 'utf8').split('\n');
  const expressions = lines.filter(line => line.includes('${{'));
  t.true(expressions.length >= 7);
  for (const line of expressions)
    t.regex(
      line,
      /^ +(?:[A-Z_]+: \$\{\{ inputs\.[a-z-]+ \}\}|value: \$\{\{ steps\.run\.outputs\.[a-z-]+ \}\})$/,
    );
});

test('the action passes on exactly the inputs that it declares', t => {
  const text = readFileSync(join(root, 'action.yml'), 'utf8');
  const [, declared = ''] = /^inputs:\n([\s\S]*?)^\w/m.exec(text) ?? [];
  const names = [...declared.matchAll(/^ {2}([a-z-]+):$/gm)].map(([, name]) => name!);
  const handed = [...text.matchAll(/^ +([A-Z_]+): \$\{\{ inputs\.([a-z-]+) \}\}$/gm)];
  t.deepEqual(handed.map(([, , name]) => name).sort(), [...names].sort());
  const script = readFileSync(join(root, 'scripts', 'action'), 'utf8');
  for (const [, variable] of handed) t.regex(script, new RegExp(`\\$\\{${variable}:-`));
});
