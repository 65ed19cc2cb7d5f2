import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { fillCheck } from '../../../src/actors/check-work.ts';
import { keepProtected } from '../../../src/actors/protected-files.ts';
import { dockerCli } from '../../../src/docker/cli.ts';
import { containers } from '../../../src/docker/containers.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import {
  agent,
  engine,
  fakeClock,
  id,
  identity,
  input,
  never,
  rejection,
  sameFiles,
} from '../_helpers/actor-ports.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

const check = { command: ['true'], rounds: 1, protect: ['test/**'], timeout: 1_000, network: null };

/**
 * Ports whose docker prints the folder `tree` as the output of a helper, and unpacks what is copied into the check.
 * `calls` has its arguments.
 */
function ports(t: ExecutionContext, workspace: AgentPlan['workspace'], saved: string | null = null) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-fill-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const name of ['tree', 'check', 'run']) mkdirSync(join(folder, name));
  fakeDocker(
    t,
    `echo "$*" >>'${folder}/calls'
case "$1 $2" in
  'create '*) echo ${id} ;;
  'container '*) echo '[]' ;;
  'start --attach') exec tar --create --format=gnu --sort=name --directory='${folder}/tree' . ;;
  'cp -') exec tar --extract --directory='${folder}/check' ;;
esac`,
  );
  const docker = dockerCli(nullRecorder);
  const context = {
    ...{ ...sameFiles, clock: fakeClock().clock, docker, containers: containers(docker), engine },
    plan: () => agent({ check, workspace }),
    identity: () => identity,
    helperImage: async () => 'sha256:helper',
    folder: (_: string, attempt: number) => join(folder, 'run', String(attempt)),
    writablePlaces: [],
    livePlaces: () => [],
    hasOtherFiles: false,
    emit: async () => {},
    savedWork: () => ({ workspace: { branch: null, commit: null, diff: null, path: saved } }),
    originCommit: () => ({ commit: 'c0' }),
    startCommit: () => ({ commit: 'c1' }),
    makeClone: async (_: object, { commit, target }: { commit: string; target: string }) => {
      mkdirSync(target, { recursive: true });
      rmSync(join(folder, 'tree'), { recursive: true, force: true });
      cpSync(join(folder, commit), join(folder, 'tree'), { recursive: true });
      return null;
    },
  };
  const calls = () => readFileSync(join(folder, 'calls'), 'utf8');
  const read = (name: string) => readFileSync(join(folder, 'check', 'workspace', name), 'utf8');
  return { context: context as never, folder, calls, read };
}

const write = (folder: string, files: Readonly<Record<string, string>>) => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
};
const original = { 'test/run.sh': 'original', 'a.txt': 'a' };

test.serial(
  'a check of a bound directory gets its work, with the files that were kept before its agent',
  async t => {
    const { context, folder, read, calls } = ports(t, { mode: 'bind', path: '/there' });
    const tree = join(folder, 'tree');
    write(tree, original);
    await keepProtected(context, input, never);
    // As long as they are kept, they are not read again.
    write(tree, { 'test/run.sh': 'later' });
    await keepProtected(context, input, never);
    rmSync(join(tree, 'test'), { recursive: true });
    const long = `${'d'.repeat(120)}/${'f'.repeat(130)}`;
    write(tree, { 'evil/run.sh': 'exit 0', 'a.txt': 'changed', [long]: 'long' });
    symlinkSync('evil', join(tree, 'test'));
    symlinkSync('../../outside', join(tree, 'link'));
    await fillCheck(context, input, 'check-id', never);
    t.is(read('test/run.sh'), 'original');
    t.is(read('a.txt'), 'changed');
    t.is(read(long), 'long');
    t.regex(calls(), /^cp - check-id:\/$/m);
    t.regex(calls(), /--mount=type=bind,source=\/there,target=\/workspace,readonly=true/);
    // Owners and modes are those of the work.
    const list = execFileSync('stat', [
      '-c',
      '%a',
      join(folder, 'check/workspace/a.txt'),
      join(tree, 'a.txt'),
    ]);
    const [one, other] = String(list).trim().split('\n');
    t.is(one, other);
  },
);

test.serial('a check of a copy gets the saved copy, which the docker client sends', async t => {
  const { context, folder, read, calls } = ports(t, { mode: 'copy', path: '/there' }, '/saved/workspace');
  write(join(folder, 'tree'), original);
  await keepProtected(context, input, never);
  await fillCheck(context, input, 'check-id', never);
  t.is(read('test/run.sh'), 'original');
  t.regex(calls(), /^cp \/there\/\. c0ffee/m);
  t.regex(calls(), /^cp \/saved\/workspace\/\. c0ffee/m);
});

test.serial(
  'a check of a clone gets a new clone of its commit, with the files of the first commit',
  async t => {
    const { context, folder, read } = ports(t, { mode: 'clone', path: '/r', repository: '/r', from: null });
    write(join(folder, 'c0'), original);
    write(join(folder, 'c1'), { 'test/run.sh': 'changed', 'test/more.sh': 'x', 'a.txt': 'changed' });
    await keepProtected(context, input, never);
    await fillCheck(context, input, 'check-id', never);
    t.is(read('test/run.sh'), 'original');
    t.is(read('a.txt'), 'changed');
    t.false(existsSync(join(folder, 'check/workspace/test/more.sh')));
    t.false(existsSync(join(folder, 'run/1/check')), 'its clones are removed');
  },
);

test.serial('work that was not saved as a whole is not checked', async t => {
  const { context } = ports(t, { mode: 'copy', path: '/there' }, '/saved/workspace.making');
  await keepProtected(context, input, never);
  const error = await rejection(fillCheck(context, input, 'check-id', never));
  t.like(error, { kind: 'workspace', message: 'its work could not be saved as a whole' });
});

test.serial('a bound directory whose protected files were not kept is not checked', async t => {
  const { context } = ports(t, { mode: 'bind', path: '/there' });
  const error = await rejection(fillCheck(context, input, 'check-id', never));
  t.is(error.kind, 'workspace');
  t.regex(error.message, /protected\.tar, with its protected files, is missing/);
});
