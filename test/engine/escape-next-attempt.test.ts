import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { repository } from '../unit/_helpers/repositories.ts';
import { eventually, isRunning, type Place, place, small } from './flow.ts';

/**
 * Files that an agent plants in its first attempt for its second one: the sources that the host reads again, whatever
 * happens between the two.
 */
const plants: Readonly<Record<string, string>> = {
  'a link in place of .git/config':
    'mv .git .was; cp -r .was .git 2>/dev/null; rm -rf .git/config; ln -s $PRIVATE/canary .git/config',
  'a link in place of .git/hooks': 'rm -rf .git/hooks; ln -s $PRIVATE .git/hooks',
  'a link in place of an artifact': 'rm -rf dist; ln -s $PRIVATE dist',
  'a link in place of its prompt file': 'rm prompt.md; ln -s $PRIVATE/canary prompt.md',
  'a link in place of its own directory': 'mv sub gone; ln -s $PRIVATE sub',
  'a line in the Dockerfile that it was built from': 'echo "RUN touch /built-by-an-agent" >>Dockerfile',
};

const script = `
if [ ! -e planted ]; then
  ${Object.values(plants).join('\n  ')}
  touch planted
  until [ -e go ]; do sleep 0.1; done
  exit 1
fi
cat .git/config .git/hooks/canary prompt.md dist/canary sub/canary $PRIVATE/canary
cat "$AGENT_PROMPT_FILE"
[ ! -e /built-by-an-agent ] || echo built-by-an-agent
ls -A .git/hooks
`;

function setUp(t: Parameters<typeof place>[0]) {
  const here = place(t);
  const hidden = join(here.path, 'private');
  mkdirSync(hidden);
  writeFileSync(join(hidden, 'canary'), 'HOST-ONLY\n', { mode: 0o600 });
  const source = repository(join(here.path, 'source'), {
    Dockerfile: 'FROM tmux-agents-base:latest\n',
    'prompt.md': 'the prompt of the user\n',
  });
  mkdirSync(join(source, 'dist'));
  mkdirSync(join(source, 'sub'));
  const agent = {
    command: ['sh', '-c', script],
    build: { context: 'source' },
    promptFile: 'source/prompt.md',
    workspace: 'source',
    env: { PRIVATE: hidden },
    artifacts: ['dist', 'sub/canary'],
    retries: 1,
    ...small,
  };
  const file = here.write({ agents: { evil: agent } });
  const planted = eventually(() => existsSync(join(source, 'planted')), 'the planted files');
  return { here, source, hidden, file, planted };
}

/** Events between the two attempts. Each resolves when the run has finished. */
const moments: Readonly<
  Record<string, (here: Place, file: string, planted: Promise<unknown>, source: string) => Promise<unknown>>
> = {
  async 'a retry'(here, file, planted, source) {
    const run = here.start(['run', file, '--json']);
    await planted;
    writeFileSync(join(source, 'go'), '');
    return run;
  },
  async 'a resume'(here, file, planted, source) {
    const run = here.start(['run', file, '--json']);
    await planted;
    run.kill('SIGKILL');
    await run;
    const resumed = here.start(['resume', '--json']);
    writeFileSync(join(source, 'go'), '');
    return resumed;
  },
  async 'a crash of both'(here, file, planted) {
    const run = here.start(['run', file, '--json']);
    await planted;
    await eventually(isRunning(here, 'evil'), 'the running agent');
    run.kill('SIGKILL');
    await run;
    const ids = await here.containers();
    await execa('docker', ['kill', ...ids], { timeout: 60_000 });
    return here.start(['resume', '--json']);
  },
};

for (const [moment, between] of Object.entries(moments))
  test(`escape: files that an agent plants for its next attempt have no effect after ${moment}`, async t => {
    const { here, source, hidden, file, planted } = setUp(t);
    await between(here, file, planted, source);
    const second = here.transcript('evil', 2);
    t.regex(second, /the prompt of the user/, 'the second attempt printed its findings');
    t.notRegex(second, /HOST-ONLY|built-by-an-agent/);
    const kept = await execa('grep', ['--recursive', '--files-with-matches', 'HOST-ONLY', here.stateDir], {
      reject: false,
    });
    t.is(kept.stdout, '');
    t.deepEqual(await here.containers(), []);

    // The controls: a reader that follows links would read the same names.
    for (const name of ['.git/config', '.git/hooks/canary', 'prompt.md', 'dist/canary', 'sub/canary'])
      t.is(readFileSync(join(source, name), 'utf8'), readFileSync(join(hidden, 'canary'), 'utf8'), name);
    // Built anew, or every test here would get the same image, and the first one to end would remove it.
    const args = ['build', '--quiet', '--no-cache', '--label=agent-flow-test=container', source];
    const built = await execa('docker', args, { timeout: 120_000, env: { DOCKER_BUILDKIT: '0' } });
    t.teardown(() =>
      execa('docker', ['image', 'rm', '--force', built.stdout], { reject: false, timeout: 60_000 }),
    );
    const found = await execa('docker', [
      ...['run', '--rm', '--label=agent-flow-test=container', '--network=none', '--entrypoint=ls'],
      ...[built.stdout, '/built-by-an-agent'],
    ]);
    t.is(found.stdout, '/built-by-an-agent');
  });
