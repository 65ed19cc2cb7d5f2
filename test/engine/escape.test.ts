import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { defaultSecurity } from '../../src/spec/security-fields.ts';
import { inCell } from './cell.ts';
import { type Attempt, attempts } from './escape-attempts.ts';

const folder = mkdtempSync(join(tmpdir(), 'agent-flow-test-escape-'));
const workspace = join(folder, 'workspace');
const sibling = join(folder, 'sibling');
for (const path of [workspace, sibling]) mkdirSync(path);
writeFileSync(join(folder, 'host'), 'of-the-host\n');
writeFileSync(join(sibling, 'file'), 'of-the-sibling\n');
symlinkSync(join(folder, 'host'), join(workspace, 'link'));
/** Processes and files of the host that an agent would look for. */
const target = execa('sh', ['-c', 'while sleep 1; do :; done', 'escape-target'], {
  env: { ESCAPE_CANARY: 'of-the-host' },
  reject: false,
});
test.after.always(() => {
  target.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const names: Readonly<Record<string, string>> = { HOST: join(folder, 'host'), SIBLING: sibling };
const filled = (text: string) => text.replace(/\$(HOST|SIBLING)/g, (_, name) => names[name]!);

const cellOf = ({ open = [], guard }: Partial<Attempt>) => ({
  workspace,
  plan: {
    env: {},
    mounts: [{ source: sibling, target: '/mounted', readOnly: true }],
    security: { ...defaultSecurity, pids: 200 },
  },
  open: [...open.map(filled), `--env=SIBLING=${sibling}`],
  ...(guard ? { without: (flag: string) => guard.test(flag) } : {}),
});

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
    [...stdout.matchAll(/^attempt (\d+) (\d+)$/gm)].map(([, index, code]) => [Number(index), Number(code)]),
  );

test('a hostile agent fails in every attempt', async t => {
  const { stdout, stderr } = await inCell(t, inOneCell(attempts), cellOf({}));
  const found = exitCodes(stdout);
  t.is(found.size, attempts.length, stderr);
  t.true(attempts.length >= 25);
  const escaped = attempts.filter((_, index) => found.get(index) === 0).map(({ does }) => does);
  t.deepEqual(escaped, []);
});

/** Attempts with the same guard share one control container. */
const controls = Object.values(
  Object.groupBy(attempts, ({ open, guard }) => JSON.stringify([open, guard?.source])),
) as Attempt[][];

for (const wanted of controls) {
  const [{ open, guard }] = wanted as [Attempt];
  const off = [...(open ?? []).map(flag => `with ${flag}`), ...(guard ? [`without ${guard.source}`] : [])];
  test(`control: a container ${off.join(' ')} ${wanted.map(({ does }) => does).join(', and ')}`, async t => {
    const { stdout, stderr } = await inCell(t, inOneCell(wanted), cellOf(wanted[0]!));
    const found = exitCodes(stdout);
    const failed = wanted.filter((_, index) => found.get(index) !== 0).map(({ does }) => does);
    t.deepEqual(failed, [], `${stdout}\n${stderr}`);
  });
}
