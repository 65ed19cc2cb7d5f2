import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'ava';

const root = join(import.meta.dirname, '..', '..');
const files = ['src', 'machines'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => /\.tsx?$/.test(file))
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

const offenders = (
  of: (file: string) => boolean,
  allowed: (from: string, isType: boolean, file: string) => boolean,
) =>
  files.filter(of).flatMap(file =>
    imports(file)
      .filter(({ from, isType }) => !allowed(from, isType, file))
      .map(({ from }) => `${file} imports ${from}`),
  );

test('machines import only xstate and each other', t => {
  t.deepEqual(
    offenders(
      file => file.startsWith('machines/'),
      from => from === 'xstate' || from.startsWith('machines/'),
    ),
    [],
  );
});

const execaUsers = [
  'src/docker/docker-process.ts',
  'src/docker/attach-terminal.ts',
  'src/docker/ssh.ts',
  'src/workspace/git.ts',
  'src/commands/providers/newest-release.ts',
];

test('zx and execa are imported by the files that run docker, git, ssh and npm, and by no other', t => {
  t.deepEqual(
    offenders(
      file => file !== 'src/docker/cli.ts',
      from => !/^zx\b/.test(from),
    ),
    [],
  );
  t.deepEqual(
    offenders(
      file => !execaUsers.includes(file),
      from => from !== 'execa',
    ),
    [],
  );
  // `run -d` starts the supervisor itself; the programs of src/agent-cli and src/secret-proxy run in a container.
  t.deepEqual(
    offenders(
      file => file !== 'src/commands/detach.ts' && !/^src\/(agent-cli|secret-proxy)\//.test(file),
      from => !/child_process/.test(from),
    ),
    [],
  );
});

/** Layers from the bottom up: a file imports from its own layer and from those below it, types included. */
const layers = [
  'machines',
  'text',
  'prices',
  'async',
  'docker',
  'providers',
  'spec',
  'agent-cli',
  'state',
  'store',
  'secrets',
  'secret-proxy',
  'broker',
  'model-stub',
  'workspace',
  'transcript',
  'images',
  'agent-container',
  'networks',
  'swarm',
  'actors',
  'connection',
  'preflight',
  'recovery',
  'notify',
  'run',
  'provider-check',
  'dry-run',
  'examples',
  'graph',
  'inspector',
  'reporters',
  'doctor',
  'commands',
];

/** Files outside the layer folders, with the layer that each belongs to. */
const layerOfFile: Readonly<Record<string, string>> = {
  'src/clock.ts': 'text',
  'src/errors.ts': 'text',
  'src/on-path.ts': 'text',
  'src/package.ts': 'text',
  'src/events.ts': 'spec',
  'src/cli.ts': 'commands',
  'src/bin.ts': 'commands',
  'src/index.ts': 'commands',
};

const layerOf = (path: string) => layerOfFile[path] ?? /^(?:src\/)?([^/]+)\//.exec(path)?.[1] ?? path;
const level = (path: string) => layers.indexOf(layerOf(path));

test('every file belongs to a layer', t => {
  t.deepEqual(
    files.filter(file => level(file) < 0),
    [],
  );
});

test('no import points upwards', t => {
  t.deepEqual(
    offenders(
      () => true,
      (from, _isType, file) => !/^(src|machines)\//.test(from) || level(from) <= level(file),
    ),
    [],
  );
});

test('docker imports only itself, async, text and on-path.ts', t => {
  t.deepEqual(
    offenders(
      file => file.startsWith('src/docker/'),
      from => !/^(src|machines)\//.test(from) || /^src\/(docker\/|async\/|text\/|on-path\.ts$)/.test(from),
    ),
    [],
  );
});

test('agent-cli imports only Node, JMESPath, prices, types of reports and itself', t => {
  t.deepEqual(
    offenders(
      file => file.startsWith('src/agent-cli/'),
      (from, isType) =>
        from.startsWith('node:') ||
        from === '@jmespath-community/jmespath' ||
        from.startsWith('src/agent-cli/') ||
        from.startsWith('src/prices/') ||
        (isType && ['src/spec/plan.ts', 'src/providers/report.ts'].includes(from)),
    ),
    [],
  );
});

test('state and reporters import only events, prices, text and each other', t => {
  const known =
    /^src\/(state\/|prices\/|text\/|reporters\/|events\.ts|spec\/units\.ts)|^(node:|zod|log-update|fast-xml-parser|machines\/(approval-types|outcome|state-tags)\.ts)/;
  t.deepEqual(
    offenders(
      file => /^src\/(state|reporters)\//.test(file),
      from => known.test(from),
    ),
    [],
  );
});
