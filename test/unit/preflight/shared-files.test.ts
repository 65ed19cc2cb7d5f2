import { cpSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execaSync } from 'execa';
import { probeScript, type Question } from '../../../src/agent-container/file-probe.ts';
import { contentProof } from '../../../src/preflight/file-proofs.ts';
import { type AskEngine, unsharedPaths } from '../../../src/preflight/shared-files.ts';
import { folder } from '../_helpers/repositories.ts';

interface EngineOptions {
  /** Return the path whose files the engine has at a path, or null. */
  readonly sees: (path: string) => string | null;
  /** Whether the engine has another kernel than this process. */
  readonly isElsewhere?: boolean;
}

/** An engine that runs the script of the probe without a container. */
function engine(t: ExecutionContext, { sees, isElsewhere = false }: EngineOptions) {
  const requests: Question[][] = [];
  const ask: AskEngine = async questions => {
    requests.push([...questions]);
    const root = folder(t);
    for (const [index, { path }] of questions.entries()) {
      const target = sees(path);
      if (target !== null) symlinkSync(target, join(root, String(index)));
    }
    const script = probeScript(root, isElsewhere ? '/dev/null' : '/proc/sys/kernel/random/boot_id');
    const lookups = questions.map(({ look }) => (typeof look === 'string' ? look : look.file));
    const { stdout } = execaSync('sh', ['-c', script, 'probe', ...lookups], { stripFinalNewline: false });
    return stdout.split('\n').slice(0, -1);
  };
  return { ask, requests };
}

/** Create two directories with equal content: that of this process, and that of the engine. */
function fixture(t: ExecutionContext) {
  const base = folder(t);
  for (const name of ['own', 'engine']) {
    mkdirSync(join(base, name, 'repo', '.git'), { recursive: true });
    mkdirSync(join(base, name, 'empty'));
    writeFileSync(join(base, name, 'file'), 'same');
  }
  const own = (name: string) => join(base, 'own', name);
  const other = (path: string) => path.replace(join(base, 'own'), join(base, 'engine'));
  const twin = () =>
    cpSync(own('repo'), join(base, 'engine', 'repo'), { recursive: true, preserveTimestamps: true });
  return { own, other, twin };
}

test('under the same kernel a shared directory is recognized without a test file', async t => {
  const { own } = fixture(t);
  const paths = [own('repo'), own('empty'), own('file')];
  const { ask, requests } = engine(t, { sees: path => path });
  t.deepEqual(await unsharedPaths(paths, ask), []);
  t.is(requests.length, 1);
});

test('a missing directory, or another one with the same content, is not shared', async t => {
  for (const isElsewhere of [false, true]) {
    const { own, other, twin } = fixture(t);
    twin();
    const paths = [own('repo'), own('empty')];
    t.deepEqual(await unsharedPaths(paths, engine(t, { sees: other, isElsewhere }).ask), paths);
    t.deepEqual(await unsharedPaths(paths, engine(t, { sees: () => null, isElsewhere }).ask), paths);
    const partial = engine(t, { sees: path => (path === own('repo') ? path : other(path)), isElsewhere });
    t.deepEqual(await unsharedPaths(paths, partial.ask), [own('empty')]);
  }
});

test('an engine with another kernel that shares the files passes, and no test file is left', async t => {
  const { own } = fixture(t);
  const paths = [own('repo'), own('empty'), own('file')];
  const { ask, requests } = engine(t, { sees: path => path, isElsewhere: true });
  t.deepEqual(await unsharedPaths(paths, ask), []);
  t.is(requests.length, 2);
  t.deepEqual(readdirSync(own('empty')), []);
  t.deepEqual(readdirSync(own('repo/.git')), []);
  const [repository] = requests[1]!.map(({ look }) => (typeof look === 'object' ? look.file : look));
  t.regex(repository ?? '', /^\.git\/\.agent-flow-/);
});

test('a path at which the engine has another directory is not shared', async t => {
  const { own } = fixture(t);
  const { ask } = engine(t, { sees: () => own('repo'), isElsewhere: true });
  t.deepEqual(await unsharedPaths([own('repo'), own('empty')], ask), [own('empty')]);
});

test('no test file is left if the engine fails between two probes', async t => {
  const { own } = fixture(t);
  const { ask } = engine(t, { sees: path => path, isElsewhere: true });
  let requests = 0;
  const failing: AskEngine = questions =>
    ++requests === 1 ? ask(questions) : Promise.reject(new Error('gone'));
  await t.throwsAsync(unsharedPaths([own('empty'), own('repo')], failing), { message: 'gone' });
  t.deepEqual(readdirSync(own('empty')), []);
  t.deepEqual(readdirSync(own('repo/.git')), []);
});

test('no test file is written through a .git that is a link', async t => {
  const { own } = fixture(t);
  mkdirSync(own('linked'));
  symlinkSync(own('empty'), own('linked/.git'));
  const { ask, requests } = engine(t, { sees: path => path, isElsewhere: true });
  t.deepEqual(await unsharedPaths([own('linked')], ask), []);
  t.notRegex(JSON.stringify(requests[1]), /\.git\//);
});

test('files are compared by their content', async t => {
  const { own, other } = fixture(t);
  const { ask } = engine(t, { sees: other, isElsewhere: true });
  t.deepEqual(await unsharedPaths([own('file')], ask), []);
  writeFileSync(other(own('file')), 'another');
  t.deepEqual(await unsharedPaths([own('file')], ask), [own('file')]);
});

test('a directory without write permission is compared by its entries', async t => {
  const { own, other, twin } = fixture(t);
  for (const name of ['b', 'a b', '-x', 'é']) writeFileSync(own(`repo/${name}`), name);
  twin();
  for (const path of [own('repo'), other(own('repo'))]) utimesSync(path, 1, 1.75);
  const { ask } = engine(t, { sees: other });
  const { path, look, expected } = await contentProof(own('repo'));
  const list = async () => (await ask([{ path, look }]))[0];
  t.is(await list(), expected);
  writeFileSync(other(own('repo/b')), 'longer');
  utimesSync(other(own('repo')), 1, 1);
  t.not(await list(), expected);
});

test('a mount point below a path is checked if it is relevant', async t => {
  const { own, other } = fixture(t);
  mkdirSync(own('repo/a b'));
  const { ask } = engine(t, { sees: path => (path.endsWith('a b') ? other(own('empty')) : path) });
  const mounting: AskEngine = async questions =>
    (await ask(questions)).map((result, index) =>
      questions[index]!.path === own('repo') ? `${result} /a\\040b /.git` : result,
    );
  t.deepEqual(await unsharedPaths([own('repo')], mounting), []);
  t.deepEqual(await unsharedPaths([own('repo')], mounting, () => true), [own('repo/a b')]);
  const inGit = (point: string, path: string) => point === join(path, '.git');
  t.deepEqual(await unsharedPaths([own('repo')], mounting, inGit), []);
});

test('a socket of another kernel is not shared, and a missing path is not reported', async t => {
  const { own } = fixture(t);
  const server = createServer().listen(own('socket'));
  t.teardown(() => server.close());
  await new Promise(resolve => server.once('listening', resolve));
  const paths = [own('socket'), own('absent')];
  t.deepEqual(await unsharedPaths(paths, engine(t, { sees: path => path }).ask), []);
  const elsewhere = engine(t, { sees: path => path, isElsewhere: true });
  t.deepEqual(await unsharedPaths(paths, elsewhere.ask), [own('socket')]);
});
