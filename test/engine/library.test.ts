import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { fromPromise } from 'xstate';
import * as library from '../../src/index.ts';
import { writeRun } from '../unit/_helpers/command-line.ts';
import { livelyRun } from '../unit/inspector/lively.ts';
import { type Place, place } from './flow.ts';

const root = join(import.meta.dirname, '..', '..');
const { runFlow, SpecError } = library;
const hello = (command: string[]) => ({
  agents: { hello: { command, workspace: { mode: 'none' as const }, memory: '128m', cpus: 1 } },
});

/** An empty project in which the package is installed as by npm. */
let here: Place;
let project: string;
const atEnd: (() => unknown)[] = [];
test.after.always(() => Promise.all(atEnd.map(end => end())));
test.before(async () => {
  here = place({ teardown: end => void atEnd.push(end) });
  project = join(here.path, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "embedder", "private": true, "type": "module" }');
  const packed = await execa('npm', ['pack', '--silent', `--pack-destination=${here.path}`], { cwd: root });
  const tarball = join(here.path, packed.stdout.trim().split('\n').at(-1)!);
  const options = ['--silent', '--no-audit', '--no-fund'];
  await execa('npm', ['install', ...options, tarball, '@types/node@22'], { cwd: project });
});

/** The examples of the doc comments, by the export that they belong to. */
function examples(): Map<string, string> {
  const files = ['machines', 'src'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts'))
      .map(name => join(root, folder, name)),
  );
  const found = new Map<string, string>();
  for (const file of files) {
    const comment = /\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\nexport (?:async )?(?:const|function|class) (\w+)/g;
    for (const [, text = '', name = ''] of readFileSync(file, 'utf8').matchAll(comment)) {
      const code = /@example\n \* ```ts\n([\s\S]*?) \* ```/.exec(text)?.[1];
      if (code) found.set(name, code.replaceAll(/^ \* ?/gm, ''));
    }
  }
  return found;
}

/** The lines that an example promises to print, in order. */
const promised = (code: string) => [...code.matchAll(/console\.log\(.*\/\/ (.+)$/gm)].map(([, line]) => line);

test('every export has an example that type-checks and prints its promised output in a project of its own', async t => {
  const all = examples();
  for (const name of Object.keys(library)) t.true(all.has(name), `${name} has no example`);

  for (const [name, code] of all) writeFileSync(join(project, `${name}.ts`), code);
  const strict = {
    compilerOptions: {
      strict: true,
      module: 'nodenext',
      target: 'es2023',
      noEmit: true,
      types: ['node'],
      lib: ['es2024', 'esnext.disposable', 'esnext.promise'],
    },
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(strict));
  const checked = await execa(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], {
    cwd: project,
    reject: false,
  });
  t.is(checked.stdout, '');

  for (const [name, code] of all) {
    t.true(promised(code).length > 0, `the example of ${name} promises no output`);
    const ran = await run(here, join(project, `${name}.ts`));
    t.deepEqual(
      ran.stdout.split('\n').filter(line => promised(code).includes(line)),
      promised(code),
      `${name}: ${ran.all}`,
    );
    t.is(ran.exitCode, 0, `${name}: ${ran.all}`);
  }
});

test('the installed command prints its version in at most twice the time that an empty node process takes', async t => {
  const bin = join(project, 'node_modules/agent-flow/dist/command/agent-flow.js');
  const times = { version: [] as number[], nothing: [] as number[] };
  const timed = async (into: number[], args: string[]) => {
    const start = performance.now();
    const { stdout } = await execa(process.execPath, args);
    into.push(performance.now() - start);
    return stdout;
  };
  for (let round = 0; round < 15; round++) {
    await timed(times.nothing, ['-e', '0']);
    t.regex(await timed(times.version, [bin, '--version']), /^\d+\.\d+\.\d+$/);
  }
  const median = (all: number[]) => all.sort((a, b) => a - b)[7]!;
  const ratio = median(times.version) / median(times.nothing);
  t.log(`${ratio.toFixed(2)} times`);
  t.true(ratio <= 2, `${ratio.toFixed(2)} times`);
});

const run = (here: Place, file: string) =>
  execa(process.execPath, [file], {
    cwd: join(file, '..'),
    env: here.env,
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    reject: false,
    timeout: 600_000,
  });

test('an embedded flow listens to no signals, prints nothing, and lets the process exit by itself', async t => {
  const here = place(t);
  const program = join(here.path, 'embed.ts');
  writeFileSync(
    program,
    `import { runFlow } from ${JSON.stringify(join(root, 'src/index.ts'))};
     const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'uncaughtException', 'unhandledRejection'] as const;
     let heard = 0;
     const listening = () => signals.reduce((sum, signal) => sum + process.listenerCount(signal), 0);
     const flow = runFlow(${JSON.stringify(hello(['sh', '-c', 'echo hello; exit 3']))});
     for await (const _ of flow) heard = Math.max(heard, listening());
     const { status } = await flow;
     console.log(JSON.stringify({ status, heard, exitCode: process.exitCode ?? null }));`,
  );
  const ran = await run(here, program);
  t.is(ran.stderr, '');
  t.deepEqual(JSON.parse(ran.stdout), { status: 'failed', heard: 0, exitCode: null });
  t.is(ran.exitCode, 0);
});

test('a flow can be iterated, listened to and awaited, with the same events', async t => {
  const here = place(t);
  const listened: string[] = [];
  const flow = runFlow(hello(['true']), {
    stateDir: here.stateDir,
    onEvent: event => void listened.push(event.type),
  });
  const iterated: string[] = [];
  for await (const event of flow) iterated.push(event.type);
  const { status, runId } = await flow;
  t.is(status, 'succeeded');
  t.deepEqual(iterated, listened);
  t.deepEqual(
    here.journal().map(event => event.type),
    listened,
  );
  t.is(here.runId(), runId);
  for await (const event of flow) t.fail(`emitted ${event.type} after the end`);
});

test('aborting the signal cancels a flow, and leaving the loop does not', async t => {
  const here = place(t);
  const abort = new AbortController();
  const flow = runFlow(hello(['sleep', '300']), { stateDir: here.stateDir, signal: abort.signal });
  for await (const event of flow)
    if (event.type === 'agent.state' && event.state === 'running.working') break;
  t.is((await here.containers(['status=running'])).length, 1);
  abort.abort(new Error('enough'));
  const { status } = await flow;
  t.is(status, 'cancelled');
  t.true(here.journal().some(event => event.type === 'run.cancel' && event.reason === 'enough'));
  t.deepEqual(await here.containers(), []);

  const late = runFlow(hello(['true']), { stateDir: here.stateDir, signal: abort.signal });
  await t.throwsAsync(late, { message: 'enough' });
});

test("a container's own records are in no output: not emitted, not kept, not in the logs", async t => {
  const here = place(t);
  const lines: string[] = [];
  const printed = Promise.withResolvers<void>();
  const flow = runFlow(
    hello(['sh', '-c', `while :; do printf '\\033]0;mine\\007tick\\n'; sleep 0.2; done`]),
    {
      stateDir: here.stateDir,
      onOutput(_, line) {
        if (lines.push(line) === 3) printed.resolve();
      },
    },
  );
  await printed.promise;
  const live = await here.agentFlow(['logs', '--raw', 'hello']);
  flow.cancel();
  const { status } = await flow;
  t.is(status, 'cancelled');
  const transcript = here.transcript('hello');
  const kept = await here.agentFlow(['logs', '--raw', 'hello']);
  for (const output of [live.stdout, transcript, kept.stdout, `${lines.join('\n')}\n`]) {
    t.true(output.includes('\x1b]0;mine\x07tick'));
    t.notRegex(output, /agent-run|agent-begin|agent-end/);
  }
  t.regex(transcript, /^\$ sh -c /);
  t.regex(live.stdout, /^\$ sh -c /);
});

test('every line of an agent is emitted in order, also when it exits at once', async t => {
  const here = place(t);
  const lines: Record<string, string[]> = { quick: [], many: [], again: [] };
  const small = { workspace: { mode: 'none' as const }, memory: '128m', cpus: 1 };
  const agents = {
    quick: { command: ['echo', 'hi'], ...small },
    many: { command: ['seq', '2000'], ...small },
    again: { command: ['sh', '-c', 'echo tried; exit 1'], retries: 1, ...small },
  };
  await runFlow(
    { agents },
    { stateDir: here.stateDir, onOutput: (agent, line) => void lines[agent]!.push(line) },
  );
  t.deepEqual(lines.quick, ['$ echo hi', 'hi']);
  t.deepEqual(lines.many, ['$ seq 2000', ...Array.from({ length: 2_000 }, (_, index) => `${index + 1}`)]);
  t.deepEqual(
    lines.again?.filter(line => !line.startsWith('$')),
    ['tried', 'tried'],
  );
});

test('a listener that throws cancels the flow, which rejects with that error', async t => {
  const here = place(t);
  const flow = runFlow(hello(['sleep', '300']), {
    stateDir: here.stateDir,
    onEvent: event => {
      if (event.type === 'agent.state' && event.state === 'running.working')
        throw new Error('my own mistake');
    },
  });
  await t.throwsAsync(flow, { message: 'my own mistake' });
  t.deepEqual(await here.containers(), []);
});

test('an invalid spec rejects the promise and ends the loop with SpecError', async t => {
  const here = place(t);
  const flow = runFlow({ agents: {} }, { stateDir: here.stateDir });
  await t.throwsAsync(flow, { instanceOf: SpecError });
  await t.throwsAsync(
    async () => {
      for await (const _ of flow);
    },
    { instanceOf: SpecError },
  );
});

test('given actors replace those that act on Docker, and the others stay', async t => {
  const here = place(t);
  let asked = 0;
  const inject = fromPromise<{ injectedAt: number }, library.StepInput>(async () => {
    asked++;
    throw new Error('docker is switched off');
  });
  const { status, agents } = await runFlow(hello(['true']), { stateDir: here.stateDir, actors: { inject } });
  t.is(asked, 1);
  t.is(status, 'failed');
  t.is(agents.hello?.error?.phase, 'injecting');
  t.is(agents.hello?.error?.message, 'docker is switched off');
  t.regex(agents.hello?.containerId ?? '', /^[0-9a-f]{64}$/);
  t.deepEqual(await here.containers(), []);
});

test('a CommonJS program can require the library', async t => {
  const program = join(project, 'program.cjs');
  writeFileSync(program, `console.log(typeof require('agent-flow').runFlow)`);
  const { stdout, stderr } = await execa(process.execPath, [program]);
  t.is(stdout, 'function');
  t.is(stderr, '');
});

test('the installed package contains the built page of the inspector', async t => {
  const stateDir = join(here.path, 'past');
  writeRun(stateDir, 'r1234567', [], livelyRun(1));
  const file = join(here.path, 'run.html');
  const bin = join(project, 'node_modules', '.bin', 'agent-flow');
  await execa(bin, ['inspector', '--state-dir', stateDir, '--html', file], { cwd: project });
  const html = readFileSync(file, 'utf8');
  t.true(html.includes('"name":"lively"'));
  t.true(html.length > 300_000);

  const served = execa(bin, ['inspector', '--state-dir', stateDir, '--json'], {
    cwd: project,
    reject: false,
  });
  t.teardown(() => served.kill());
  for await (const line of served) {
    for (const name of ['page.js', 'xterm.js', 'page.css', 'xterm.css']) {
      const response = await fetch(`${JSON.parse(line).url}${name}`);
      t.is(response.status, 200);
      t.true((await response.text()).length > 1_000, name);
    }
    served.kill();
  }
});
