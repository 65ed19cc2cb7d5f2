import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createCli } from '../_helpers/command-line.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

/** A command line with a docker that has no engine. `contexts` has the context and the host of every call. */
function desk(t: ExecutionContext) {
  const cli = createCli(t);
  const { here } = fakeDocker(t, 'echo "${DOCKER_CONTEXT:--} ${DOCKER_HOST:--}" >>"$here/contexts"; exit 1');
  // Only the command sees this docker, so tests run beside each other.
  const PATH = process.env.PATH!;
  process.env.PATH = PATH.split(delimiter).slice(1).join(delimiter);
  const run = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const result = await cli.run(args, { PATH, DOCKER_HOST: '', DOCKER_CONTEXT: '', ...env });
    return { ...result, contexts: new Set(readFileSync(join(here, 'contexts'), 'utf8').trim().split('\n')) };
  };
  const spec = (target: object) => {
    const agents = { a: { command: ['true'], workspace: { mode: 'none' } } };
    writeFileSync(join(cli.path, 'spec.json'), JSON.stringify({ ...target, agents }));
  };
  return { run, spec };
}

const host = { DOCKER_HOST: 'tcp://elsewhere:1', DOCKER_CONTEXT: 'other' };

for (const args of [
  ['build'],
  ['ps'],
  ['nodes'],
  ['cleanup'],
  ['doctor'],
  ['run', 'spec.json'],
  ['run', 'spec.json', '--plan'],
])
  test.serial(`--context selects the engine of agent-flow ${args.join(' ')}, whatever else does`, async t => {
    const { run, spec } = desk(t);
    spec({ target: { context: 'build1' } });
    const { contexts, stderr } = await run([...args, '--context', 'build2'], host);
    t.deepEqual(contexts, new Set(['build2 -']), stderr);
  });

test.serial('the target of a spec takes precedence over the environment', async t => {
  const { run, spec } = desk(t);
  spec({ target: { context: 'build1' } });
  const { contexts, exitCode } = await run(['run', 'spec.json'], host);
  t.deepEqual(contexts, new Set(['build1 -']));
  t.is(exitCode, 3);
});

test.serial('without either, the environment selects the engine', async t => {
  const { run, spec } = desk(t);
  spec({});
  t.deepEqual((await run(['run', 'spec.json'], host)).contexts, new Set(['- tcp://elsewhere:1']));
});

test('an empty context is refused', async t => {
  const { exitCode, stderr } = await createCli(t).run(['ps', '--context', '']);
  t.is(exitCode, 2);
  t.regex(stderr, /--context needs a name: docker context ls lists them/);
});
