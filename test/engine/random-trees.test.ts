import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { isExhaustive, seed } from '../samples.ts';
import { fileName, readTree, type Tree, tree, writeTree } from '../unit/_helpers/random-trees.ts';
import { place, small } from './flow.ts';

const count = isExhaustive ? 300 : 20;

/** Later than any time in a tree: the agent itself wrote such a file. */
const now = 1_700_000_000;

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

interface Change {
  readonly kind: number;
  readonly one: number;
  readonly other: number;
  readonly name: string;
}
const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.nat(),
  one: fc.nat(),
  other: fc.nat(),
  name: fileName,
});
const changes = fc.array(change, { maxLength: 8 });

/** A line of shell that an agent may run on a tree; if it fails, it fails everywhere. */
function line(nodes: Tree, { kind, one, other, name }: Change): string {
  const paths = ['.', ...nodes.keys()];
  const [path, second] = [paths[one % paths.length]!, paths[other % paths.length]!];
  const beside = `${path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.'}/${name}`;
  const [at, to, old] = [path, beside, second].map(text => quoted(`./${text}`));
  const all = [
    // Opening a pipe would wait for a reader.
    `[ -p ${at} ] || printf %s ${quoted(`${name}${other}`)} >${at}`,
    `[ -p ${to} ] || printf %s ${quoted(name)} >>${to}`,
    `[ ${at} = ./. ] || rm -rf ${at}`,
    `mv -T ${at} ${to}`,
    `mkdir ${to}`,
    `ln -s ${quoted(name)} ${at}/link`,
    // A file of any machine that nothing can change: the lines also run outside of a container, as the user of this process.
    `ln -s /proc/self/environ ${to}`,
    `ln -s "$(basename ${at})" ${to}`,
    `ln ${old} ${to}`,
    `chmod ${['4755', '2711', '444', '1777', '640'][other % 5]} ${at}`,
    `truncate -s 100000 ${at}`,
    `mkfifo ${to}`,
    `touch -h -d @${1 + (other % (now - 1))} ${at}`,
  ];
  return all[kind % all.length]!;
}

/** Whether the link at this path leads out of the tree, or loops. */
function leadsOut(found: Readonly<Record<string, string>>, path: string): boolean {
  const at: string[] = [];
  let hops = 0;
  for (let left = path.split('/'); left.length > 0; ) {
    const name = left.shift()!;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (at.pop() === undefined) return true;
      continue;
    }
    at.push(name);
    const [, target] = /^link \S+ ([\s\S]*)$/.exec(found[at.join('/')] ?? '') ?? [];
    if (target === undefined) continue;
    if (++hops > 40 || target.startsWith('/')) return true;
    at.pop();
    left = [...target.split('/'), ...left];
  }
  return false;
}

/** A time of the agent's own matches any. */
const plain = (found: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(found).map(([path, node]) => [
      path,
      node.replace(/^(\w+ (?:[0-7]+ )?)(\d{10})\b/, (whole, before, time) =>
        Number(time) > now ? `${before}now` : whole,
      ),
    ]),
  );

/** Without setuid, setgid and sticky bits, which a file loses when the container's root writes to it. */
const withoutBits = (found: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(found).map(([path, node]) => [
      path,
      node.replace(/^(file |directory )[1-7]([0-7]{3}) /, '$1$2 '),
    ]),
  );

/** The expected copy of a tree: without the parts that are left out, and without special bits. */
function atHome(found: Readonly<Record<string, string>>, keepsLinks: boolean): Record<string, string> {
  const kept = Object.entries(found).filter(
    ([path, node]) =>
      node !== 'other' && (!node.startsWith('link ') || (keepsLinks && !leadsOut(found, path))),
  );
  const readable = { file: 0o400, directory: 0o700 };
  return Object.fromEntries(
    kept.map(([path, node]) => [
      path,
      node.replace(
        /^(file|directory) ([0-7]+)/,
        (_, kind: 'file' | 'directory', mode) =>
          `${kind} ${((Number.parseInt(mode, 8) & 0o777) | readable[kind]).toString(8)}`,
      ),
    ]),
  );
}

test(`random trees, and an agent's changes to them, are copied back and kept as artifacts (SAMPLES_SEED=${seed})`, async t => {
  const here = place(t);
  const trees = fc.sample(tree, { seed, numRuns: count });
  const edits = fc.sample(changes, { seed, numRuns: count });
  const script = trees.flatMap((nodes, index) => [
    `cd ${index} || exit 9`,
    ...edits[index]!.map(one => `{ ${line(nodes, one)}; } 2>/dev/null`),
    'cd ..',
  ]);
  for (const name of ['copied', 'bound', 'expected']) {
    for (const [index, nodes] of trees.entries()) {
      mkdirSync(join(here.path, name, 'trees', String(index)), { recursive: true });
      writeTree(join(here.path, name, 'trees', String(index)), nodes);
    }
    writeFileSync(
      join(here.path, name, 'change.sh'),
      Buffer.from(['umask 022; cd trees', ...script, ':', ''].join('\n'), 'latin1'),
    );
  }
  const before = readTree(join(here.path, 'copied'));
  execFileSync('sh', ['change.sh'], {
    cwd: join(here.path, 'expected'),
    env: { ...process.env, LC_ALL: 'C' },
  });

  const agent = { command: ['sh', 'change.sh'], network: 'none', artifacts: ['trees'], ...small };
  const { exitCode, json, stderr } = await here.run({
    agents: {
      copier: { ...agent, workspace: { mode: 'copy', path: 'copied' } },
      binder: { ...agent, workspace: 'bound' },
    },
  });
  t.is(exitCode, 0, stderr);
  const expected = withoutBits(plain(readTree(join(here.path, 'expected'))));
  const inTrees = Object.fromEntries(
    Object.entries(expected).flatMap(([path, node]) =>
      path.startsWith('trees/') ? [[path.slice('trees/'.length), node]] : [],
    ),
  );
  const returned = (path: string) => plain(readTree(path));
  t.deepEqual(readTree(join(here.path, 'copied')), before, 'the copied directory is unchanged');
  t.deepEqual(withoutBits(returned(join(here.path, 'bound'))), expected);
  t.deepEqual(returned(json.agents.copier.workspace.path), atHome(expected, true));
  for (const name of ['copier', 'binder'])
    t.deepEqual(returned(json.agents[name].artifacts[0]), atHome(inTrees, false), name);

  const leftOut = (agent: string, from: string) =>
    here
      .journal()
      .flatMap(event => (event.type === 'warning' && event.agent === agent ? [event.message] : []))
      .filter(message => message.startsWith(from))
      .reduce((sum, message) => sum + Number(/: (\d+)|copy (\d+)/.exec(message)?.slice(1).find(Boolean)), 0);
  const gone = (found: Record<string, string>, keepsLinks: boolean) =>
    Object.keys(found).length - Object.keys(atHome(found, keepsLinks)).length;
  t.is(leftOut('copier', 'copy: '), gone(expected, true));
  for (const name of ['copier', 'binder'])
    t.is(leftOut(name, 'artifact trees: '), gone(inTrees, false), name);
});
