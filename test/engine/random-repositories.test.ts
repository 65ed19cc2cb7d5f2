import { createHash } from 'node:crypto';
import { join } from 'node:path';
import test from 'ava';
import { execaSync } from 'execa';
import fc from 'fast-check';
import { isExhaustive, seed } from '../samples.ts';
import { run } from '../unit/_helpers/repositories.ts';
import { type Place, place, small } from './flow.ts';
import { makeRepository, type Scenario, scenario } from './random-repository.ts';

const count = isExhaustive ? 300 : 24;
/** Agents per flow. */
const batch = 25;

// Serial: the batches would otherwise all run at the same time.
for (let first = 0; first < count; first += batch)
  test.serial(
    `the work of agents in ${Math.min(batch, count - first)} random repositories is saved, and nothing else (SAMPLES_SEED=${seed}, from ${first})`,
    async t => {
      const scenarios = fc.sample(scenario, { seed, numRuns: count }).slice(first, first + batch);
      const here = place(t);
      const agents = Object.fromEntries(
        scenarios.map(({ repository, agent }, index) => {
          const name = `a${first + index}`;
          makeRepository(join(here.path, name), repository);
          const workspace = { mode: 'clone', path: name };
          return [name, { command: ['sh', '-c', agent], workspace, network: 'none', ...small }];
        }),
      );
      const refsBefore = Object.keys(agents).map(name => refsOf(join(here.path, name)));
      const { exitCode, json, stderr } = await here.run({ concurrency: 4, agents });
      t.true([0, 1].includes(exitCode), stderr);
      const failures = scenarios.flatMap((made, index) => {
        const name = `a${first + index}`;
        const problems = check(here, { name, scenario: made, result: json.agents[name] });
        if (refsOf(join(here.path, name)) !== refsBefore[index])
          problems.push('refs of the repository changed');
        return problems.length === 0
          ? []
          : `${[`${name}:`, ...problems].join('\n')}\nin the repository\n${made.repository}\nthe agent did\n${made.agent}`;
      });
      t.is(failures.length, 0, failures.join('\n\n'));
    },
  );

/** Every ref of a repository but those for agents' work. */
const refsOf = (path: string) =>
  run(path, 'for-each-ref', '--format=%(objectname) %(refname)')
    .split('\n')
    .filter(line => !/ refs\/(heads\/)?agent-flow\//.test(line))
    .join('\n');

const pipeName = ` ${Buffer.from('more.txt').toString('hex')}`;

interface Ended {
  readonly name: string;
  readonly scenario: Scenario;
  // biome-ignore lint/suspicious/noExplicitAny: a result
  readonly result: any;
}

/** Return the differences between the saved work and the work that the agent reports. */
function check(here: Place, { name, scenario: { hasInside }, result }: Ended): string[] {
  const source = join(here.path, name);
  const lines = here.transcript(name).replaceAll('\r', '').split('\n');
  const reported = (word: string) =>
    lines.flatMap(line => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  const warnings = here
    .journal()
    .flatMap(event => (event.type === 'warning' && event.agent === name ? [event.message] : []));
  const saved = result.workspace;
  const problems: string[] = [];
  if (!lines.includes('reported')) return [`the agent did not get to its end: ${lines.slice(-5).join('; ')}`];

  const savedCommits = new Set(run(source, 'rev-list', '--all', '--').split('\n'));
  // The files of the work tree may repair it.
  const broken = reported('broken').filter(id => !savedCommits.has(id));
  // A file of the repository that is a pipe now cannot be saved.
  const hasPipe = lines.includes('pipe');
  const isLossy = hasInside || broken.length > 0;
  const made = reported('made').filter(id => !broken.includes(id));
  for (const id of made) if (!savedCommits.has(id)) problems.push(`commit ${id} was not saved`);
  for (const id of broken)
    if (!warnings.some(message => message.includes(id)))
      problems.push(`the broken commit ${id} is not named: ${warnings}`);

  const files = reported('file').sort();
  const [head] = reported('head');
  // A sparse checkout has fewer files.
  const isSparse = lines.includes('sparse');
  const isSame = (commit: string) => {
    const there = filesOf(source, commit).filter(line => !hasPipe || !line.endsWith(pipeName));
    return files.every(line => there.includes(line)) && (isSparse || there.length === files.length);
  };
  const isClean = head !== undefined && !broken.includes(head) && savedCommits.has(head) && isSame(head);
  if (saved?.branch == null ? !isClean : !isClean && !isSame(saved.branch)) {
    const at = saved?.branch ?? head;
    const there = at === undefined || !(saved?.branch || savedCommits.has(at)) ? [] : filesOf(source, at);
    const more = there.filter(line => !files.includes(line));
    const less = files.filter(line => !there.includes(line));
    problems.push(
      `the files of the branch ${saved?.branch} differ: not in the clone ${more}; not saved ${less}`,
    );
  }
  if (
    isClean &&
    made.length === 0 &&
    reported('broken').length === 0 &&
    !hasInside &&
    !hasPipe &&
    saved !== null
  )
    problems.push(`nothing was done, and ${JSON.stringify(saved)} was saved`);
  const isNamed = warnings.some(message => message.includes('could not save all of its work'));
  const unexpected = warnings.filter(message => !isLossy && !(hasPipe && message.includes('more.txt')));
  if ((isLossy && !isNamed) || unexpected.length > 0)
    problems.push(`warnings: ${warnings.join('; ') || 'none'}`);
  return problems;
}

/** The files of a commit as the agents print theirs: mode, hash of the content without carriage returns, name. */
function filesOf(source: string, commit: string): string[] {
  const git = (args: readonly string[], input?: string) =>
    execaSync('git', args, {
      cwd: source,
      encoding: 'buffer',
      ...(input === undefined ? {} : { input }),
      stripFinalNewline: false,
    }).stdout;
  const entries = Buffer.from(git(['ls-tree', '-r', '-z', commit]))
    .toString('latin1')
    .split('\0')
    .filter(entry => entry !== '' && !entry.startsWith('160000'));
  return entries
    .map(entry => {
      const [, mode, id, name] = /^(\d+) blob ([0-9a-f]+)\t(.*)$/s.exec(entry)!;
      const content = Buffer.from(git(['cat-file', 'blob', id!])).toString('latin1');
      const plain = mode === '120000' ? content : content.replaceAll('\r', '');
      const hash = createHash('sha1').update(Buffer.from(plain, 'latin1')).digest('hex');
      return `${mode} ${hash} ${Buffer.from(name!, 'latin1').toString('hex')}`;
    })
    .sort();
}
