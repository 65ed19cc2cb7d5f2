import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Prints what a tally has counted; with --write it becomes docs/faults.md. */
const [tally = '', mode] = process.argv.slice(2);

const blocks: Readonly<Record<string, string>> = {
  A: 'the engine is killed',
  B: 'a docker that lies',
  C: 'its words',
  D: 'the daemon',
  E: 'the agent',
  F: 'hands from outside',
  G: 'two engines',
  H: 'storage',
  M: 'an engine that lacks a safeguard',
  N: 'another shell',
};

interface Row {
  readonly block: string;
  readonly fault: string;
  readonly runs: number;
  readonly passed: number;
}

const rows = new Map<string, Row>();
for (const line of readFileSync(tally, 'utf8').split('\n').filter(Boolean)) {
  const { block, fault, runs, passed }: Row = JSON.parse(line);
  const before = rows.get(`${block} ${fault}`) ?? { runs: 0, passed: 0 };
  rows.set(`${block} ${fault}`, { block, fault, runs: before.runs + runs, passed: before.passed + passed });
}
const sorted = [...rows.values()].sort((a, b) => (a.block + a.fault < b.block + b.fault ? -1 : 1));
const sum = (key: 'runs' | 'passed') => sorted.reduce((total, row) => total + row[key], 0);
const named = (block: string) => (blocks[block] ? `${block}, ${blocks[block]}` : block);

const table = [
  '| block | fault | runs | passed |',
  '|---|---|--:|--:|',
  ...sorted.map(({ block, fault, runs, passed }) => `| ${named(block)} | ${fault} | ${runs} | ${passed} |`),
  `| | **all** | **${sum('runs')}** | **${sum('passed')}** |`,
].join('\n');

const page = `# The fault suite

What agent-flow is made to survive, on a real Docker engine. After every run the same is asked: is anything lost, was
anybody started twice, is anything left behind, was anything foreign touched?

This page is written by \`scripts/faults --write\`: the numbers are those of its last run.

${table}

- **SIGKILL**: at three moments of every state of the agent machine that has an actor. The intent is on disk and nothing was
  done; a docker client is at work; docker has done it, and the journal does not know. Also just before and just after each
  event that a run hangs on. **SIGTERM, ctrl-c**: at the last two of these moments. The states are asked of the machine, and
  the engine's code knows nothing of it: see \`test/faults/failpoints.ts\`.
- **random kills**: a flow of ten agents whose engine is killed three times or more, each time somewhere else. A test that
  fails names its seed; \`FAULTS_SEED=7 scripts/faults\` gives it again.
- **late create**: docker does what a dead client has asked for while the run is being stopped, after it was looked for.
- **late injection**: likewise, and the agent has ended before the next engine asks for its session.
- **an engine that lacks a safeguard**: a copy of this checkout without its sync, intent, marker, quiet checks, label
  check or fencing; a run that passes is one in which a test of the suite has failed.
- **two engines**: both have looked for the lock before either takes it.
- **another shell**: a run whose engine process is gone is asked for its logs, stopped, resumed or cleaned up from a shell
  with another DOCKER_HOST, context, working directory or HOME than that of its start.
`;

console.log(`# ${sum('passed')} of ${sum('runs')} runs passed`);
if (mode === '--write') writeFileSync(join(import.meta.dirname, '..', '..', 'docs', 'faults.md'), page);
