import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'ava';

const root = join(import.meta.dirname, '..', '..');
const files = ['src', 'machines'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => join(folder, file)),
);

const imports = (file: string) =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /^(?:import|export)\b(?<type> type\b)?[^;]*?from '(?<from>[^']+)';|import\('(?<dynamic>[^']+)'\)/gm,
    ),
  ].map(({ groups }) => {
    const from = groups!.from ?? groups!.dynamic!;
    const isType = groups!.type !== undefined;
    return { isType, from: from.startsWith('.') ? relative(root, resolve(root, dirname(file), from)) : from };
  });

const offenders = (of: (file: string) => boolean, allowed: (from: string, isType: boolean) => boolean) =>
  files.filter(of).flatMap(file =>
    imports(file)
      .filter(({ from, isType }) => !allowed(from, isType))
      .map(({ from }) => `${file} imports ${from}`),
  );

test('machines import xstate and each other, nothing else', t => {
  t.deepEqual(
    offenders(
      file => file.startsWith('machines/'),
      from => from === 'xstate' || from.startsWith('machines/'),
    ),
    [],
  );
});

test('only docker/cli.ts imports zx, and only docker/stream.ts and workspace/git.ts import execa', t => {
  t.deepEqual(
    offenders(
      file => file !== 'src/docker/cli.ts',
      from => !/^zx\b/.test(from),
    ),
    [],
  );
  t.deepEqual(
    offenders(
      file => !['src/docker/stream.ts', 'src/workspace/git.ts'].includes(file),
      from => from !== 'execa',
    ),
    [],
  );
  // One that is no docker: the engine itself, for `run -d`.
  t.deepEqual(
    offenders(
      file => file !== 'src/commands/detach.ts',
      from => !/child_process/.test(from),
    ),
    [],
  );
});

test('views know event types, text and each other, nothing that acts', t => {
  const known =
    /^src\/(views\/|events\.ts|spec\/units\.ts)|^(node:|zod|log-update|fast-xml-parser|machines\/outcome\.ts)/;
  t.deepEqual(
    offenders(
      file => file.startsWith('src/views/'),
      from => known.test(from),
    ),
    [],
  );
});

test('imports point from commands to engine to actors to docker, never back (but for types)', t => {
  const levels = ['src/docker/', 'src/workspace/', 'src/actors/', 'src/engine/', 'src/commands/'];
  const level = (path: string) => levels.findIndex(prefix => path.startsWith(prefix));
  const backwards = files.flatMap(file =>
    imports(file)
      .filter(({ from, isType }) => level(file) >= 0 && level(from) > level(file) && !isType)
      .map(({ from }) => `${file} imports ${from}`),
  );
  t.deepEqual(backwards, []);
});

test('the spec knows neither docker nor the engine', t => {
  t.deepEqual(
    offenders(
      file => file.startsWith('src/spec/'),
      from => !/^src\/(docker|workspace|engine|actors|commands|views)\//.test(from),
    ),
    [],
  );
});

test('workspaces are of the host: they know neither docker nor the engine', t => {
  t.deepEqual(
    offenders(
      file => file.startsWith('src/workspace/'),
      from => !/^src\/(docker|engine|actors|commands|views)\//.test(from),
    ),
    [],
  );
});
