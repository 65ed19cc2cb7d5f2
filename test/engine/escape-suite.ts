import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { defaultSecurity } from '../../src/spec/security-fields.ts';
import { type Cell, inCell } from './cell.ts';
import { type Attempt, attempts } from './escape-attempts.ts';

export interface EscapeSuite {
  /** The folder for its files, which the engine's host has at the same path. */
  readonly parent: string;
  /** The environment of a docker client of the engine. */
  readonly env?: NodeJS.ProcessEnv;
  /** Start a program among the processes of the engine's host. */
  readonly start?: (
    command: readonly string[],
    env: NodeJS.ProcessEnv,
  ) => { kill(signal: 'SIGKILL'): unknown };
  /** Run a script as an agent would. */
  readonly runHostile?: (t: ExecutionContext, script: string, files: EscapeFiles) => Promise<Output>;
}

/** The workspace of the hostile agent, and a folder that it may only read, at /mounted. */
interface EscapeFiles {
  readonly workspace: string;
  readonly sibling: string;
}

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** The number of processes of the hostile agent. */
export const escapePids = 200;

/** Declare the tests: a hostile agent fails in every attempt, and each attempt succeeds where its guard is off. */
export function escapeSuite({ parent, env = {}, start = startHere, runHostile }: EscapeSuite): void {
  const folder = mkdtempSync(join(parent, 'agent-flow-test-escape-'));
  const files = { workspace: join(folder, 'workspace'), sibling: join(folder, 'sibling') };
  for (const path of Object.values(files)) mkdirSync(path);
  writeFileSync(join(folder, 'host'), 'of-the-host\n');
  writeFileSync(join(files.sibling, 'file'), 'of-the-sibling\n');
  symlinkSync(join(folder, 'host'), join(files.workspace, 'link'));
  let target: ReturnType<typeof start> | undefined;
  test.before(() => {
    target = start(lookedFor, { ESCAPE_CANARY: 'of-the-host' });
  });
  test.after.always(() => {
    target?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const cellOf = ({ open = [], guard }: Partial<Attempt>): Cell => ({
    workspace: files.workspace,
    plan: {
      env: {},
      mounts: [{ source: files.sibling, target: '/mounted', readOnly: true }],
      security: { ...defaultSecurity, pids: escapePids },
    },
    open: [
      ...open.map(flag =>
        flag.replaceAll('$HOST', join(folder, 'host')).replaceAll('$SIBLING', files.sibling),
      ),
      `--env=SIBLING=${files.sibling}`,
    ],
    env,
    ...(guard ? { without: (flag: string) => guard.test(flag) } : {}),
  });
  const inOpenCell = (t: ExecutionContext, wanted: readonly Attempt[]) =>
    inCell(t, inOneCell(wanted), cellOf(wanted[0]!));

  test('a hostile agent fails in every attempt', async t => {
    const script = inOneCell(attempts);
    const { stdout, stderr } = await (runHostile?.(t, script, files) ?? inCell(t, script, cellOf({})));
    const found = exitCodes(stdout);
    t.is(found.size, attempts.length, stderr);
    t.true(attempts.length >= 25);
    const escaped = attempts.filter((_, index) => found.get(index) === 0).map(({ does }) => does);
    t.deepEqual(escaped, []);
  });

  for (const wanted of controls) {
    const [{ open, guard }] = wanted as [Attempt];
    const off = [...(open ?? []).map(flag => `with ${flag}`), ...(guard ? [`without ${guard.source}`] : [])];
    test(`control: a container ${off.join(' ')} ${wanted.map(({ does }) => does).join(', and ')}`, async t => {
      const { stdout, stderr } = await inOpenCell(t, wanted);
      const found = exitCodes(stdout);
      const failed = wanted.filter((_, index) => found.get(index) !== 0).map(({ does }) => does);
      t.deepEqual(failed, [], `${stdout}\n${stderr}`);
    });
  }
}

/** A process that an agent would look for on its host. */
const lookedFor = ['sh', '-c', 'while sleep 1; do :; done', 'escape-target'] as const;

const startHere = ([program, ...args]: readonly string[], env: NodeJS.ProcessEnv) =>
  execa(program!, args, { env, reject: false });

/** Run each script in a shell of its own, one after the other. */
const inOneCell = (wanted: readonly Attempt[]) =>
  wanted
    .map(
      ({ script }, index) =>
        `timeout 60 sh -c '${script.replaceAll("'", `'\\''`)}' >/dev/null 2>&1; echo "attempt ${index} $?"`,
    )
    .join('\n');

const exitCodes = (stdout: string) =>
  new Map(
    [...stdout.matchAll(/^attempt (\d+) (\d+)\r?$/gm)].map(([, index, code]) => [
      Number(index),
      Number(code),
    ]),
  );

/** Attempts with the same guard share one control container. */
const controls = Object.values(
  Object.groupBy(attempts, ({ open, guard }) => JSON.stringify([open, guard?.source])),
) as Attempt[][];
