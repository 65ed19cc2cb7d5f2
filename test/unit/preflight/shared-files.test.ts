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
  /** What the engine has at a path; null for nothing. */
  readonly sees: (path: string) => string | null;
  /** It has another kernel than this process. */
  readonly isElsewhere?: boolean;
}

/** An engine that looks with the probe's own script, without a container. */
function engine(t: ExecutionContext, { sees, isElsewhere = false }: EngineOptions) {
  const asked: Question[][] = [];
  const ask: AskEngine = async questions => {
    asked.push([...questions]);
    const root = folder(t);
    for (const [index, { path }] of questions.entries()) {
      const target = sees(path);
      if (target !== null) symlinkSync(target, join(root, String(index)));
    }
    const script = probeScript(root, isElsewhere ? '/dev/null' : '/proc/sys/kernel/random/boot_id');
    const looks = questions.map(({ look }) => (typeof look === 'string' ? look : look.file));
    const { stdout } = execaSync('sh', ['-c', script, 'probe', ...looks], { stripFinalNewline: false });
    return stdout.split('\n').slice(0, -1);
  };
  return { ask, asked };
}

/** A directory with a file of the same content in each; all that differs is which directory it is. */
function desk(t: ExecutionContext) {
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

test('under one kernel the same directory is known without a file in it, whatever the engine reaches it by', async t => {
  const { own } = desk(t);
  const paths = [own('repo'), own('empty'), own('file')];
  const { ask, asked } = engine(t, { sees: path => path });
  t.deepEqual(await unsharedPaths(paths, ask), []);
  t.is(asked.length, 1);
});

test('another directory of the same content is not the same, nor is none', async t => {
  for (const isElsewhere of [false, true]) {
    const { own, other, twin } = desk(t);
    twin();
    const paths = [own('repo'), own('empty')];
    t.deepEqual(await unsharedPaths(paths, engine(t, { sees: other, isElsewhere }).ask), paths);
    t.deepEqual(await unsharedPaths(paths, engine(t, { sees: () => null, isElsewhere }).ask), paths);
    const half = engine(t, { sees: path => (path === own('repo') ? path : other(path)), isElsewhere });
    t.deepEqual(await unsharedPaths(paths, half.ask), [own('empty')]);
  }
});

test('an engine of another kernel that shares the files passes, and no file is left in them', async t => {
  const { own } = desk(t);
  const paths = [own('repo'), own('empty'), own('file')];
  const { ask, asked } = engine(t, { sees: path => path, isElsewhere: true });
  t.deepEqual(await unsharedPaths(paths, ask), []);
  t.is(asked.length, 2);
  t.deepEqual(readdirSync(own('empty')), []);
  t.deepEqual(readdirSync(own('repo/.git')), []);
  const [repository] = asked[1]!.map(({ look }) => (typeof look === 'object' ? look.file : look));
  t.regex(repository ?? '', /^\.git\/\.agent-flow-/);
});

test('an engine that has the directory of one path at another is told apart', async t => {
  const { own } = desk(t);
  const { ask } = engine(t, { sees: () => own('repo'), isElsewhere: true });
  t.deepEqual(await unsharedPaths([own('repo'), own('empty')], ask), [own('empty')]);
});

test('nothing is left where the engine fails between its answers', async t => {
  const { own } = desk(t);
  const { ask } = engine(t, { sees: path => path, isElsewhere: true });
  let asked = 0;
  const failing: AskEngine = questions =>
    ++asked === 1 ? ask(questions) : Promise.reject(new Error('gone'));
  await t.throwsAsync(unsharedPaths([own('empty'), own('repo')], failing), { message: 'gone' });
  t.deepEqual(readdirSync(own('empty')), []);
  t.deepEqual(readdirSync(own('repo/.git')), []);
});

test('no file is written through a link in the place of .git', async t => {
  const { own } = desk(t);
  mkdirSync(own('linked'));
  symlinkSync(own('empty'), own('linked/.git'));
  const { ask, asked } = engine(t, { sees: path => path, isElsewhere: true });
  t.deepEqual(await unsharedPaths([own('linked')], ask), []);
  t.notRegex(JSON.stringify(asked[1]), /\.git\//);
});

test('files are compared by what they hold', async t => {
  const { own, other } = desk(t);
  const { ask } = engine(t, { sees: other, isElsewhere: true });
  t.deepEqual(await unsharedPaths([own('file')], ask), []);
  writeFileSync(other(own('file')), 'another');
  t.deepEqual(await unsharedPaths([own('file')], ask), [own('file')]);
});

test('a directory in which no file can be made is compared by its list', async t => {
  const { own, other, twin } = desk(t);
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

test('what the engine has mounted below a path is looked for where it is a part of it', async t => {
  const { own, other } = desk(t);
  mkdirSync(own('repo/a b'));
  const { ask } = engine(t, { sees: path => (path.endsWith('a b') ? other(own('empty')) : path) });
  const mounting: AskEngine = async questions =>
    (await ask(questions)).map((answer, index) =>
      questions[index]!.path === own('repo') ? `${answer} /a\\040b /.git` : answer,
    );
  t.deepEqual(await unsharedPaths([own('repo')], mounting), []);
  t.deepEqual(await unsharedPaths([own('repo')], mounting, () => true), [own('repo/a b')]);
  const inGit = (point: string, path: string) => point === join(path, '.git');
  t.deepEqual(await unsharedPaths([own('repo')], mounting, inGit), []);
});

test('a socket of another kernel is another one; a path that does not exist is for others to report', async t => {
  const { own } = desk(t);
  const server = createServer().listen(own('socket'));
  t.teardown(() => server.close());
  await new Promise(resolve => server.once('listening', resolve));
  const paths = [own('socket'), own('absent')];
  t.deepEqual(await unsharedPaths(paths, engine(t, { sees: path => path }).ask), []);
  const elsewhere = engine(t, { sees: path => path, isElsewhere: true });
  t.deepEqual(await unsharedPaths(paths, elsewhere.ask), [own('socket')]);
});
