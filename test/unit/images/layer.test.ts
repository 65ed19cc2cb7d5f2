import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { StepError } from '../../../machines/step-error.ts';
import { inspectImage } from '../../../src/images/inspect.ts';
import { ensureLayer } from '../../../src/images/layer.ts';
import { imageEngine } from '../_helpers/image-engine.ts';

test('the layer gets the user, the language and the PATH of the image', async t => {
  const Config = { User: 'app:app', Env: ['PATH=/opt/bin:/bin', 'LANG=de_DE.UTF-8', 'X=1'] };
  const { request, builds, source } = imageEngine(t, { theirs: { Config } });
  t.regex(await request({ image: 'theirs' }), /^sha256:of tmux-agents-layer:[0-9a-f]{32}$/);
  t.deepEqual(builds()[0]!.slice(2), [
    '--label=tmux-agents.image=layer',
    '--force-rm',
    `--file=${join(source, 'Dockerfile.layer')}`,
    '--network=none',
    '--build-arg=BASE_IMAGE=tmux-agents-base:latest',
    '--build-arg=IMAGE=theirs',
    '--build-arg=IMAGE_USER=app:app',
    '--build-arg=IMAGE_LANG=de_DE.UTF-8',
    '--build-arg=IMAGE_PATH=/opt/bin:/bin:/usr/local/bin',
    '--',
    source,
  ]);
});

test("an image without user, language and PATH gets root, UTF-8 and Docker's PATH", async t => {
  const { request, builds } = imageEngine(t, { theirs: { Config: {} } });
  await request({ image: 'theirs' });
  for (const arg of [
    '--build-arg=IMAGE_USER=0',
    '--build-arg=IMAGE_LANG=C.UTF-8',
    '--build-arg=IMAGE_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ])
    t.true(builds()[0]!.includes(arg), arg);
});

test('an image given by its id is built on by a tag, since BuildKit accepts no id', async t => {
  const image = { Id: 'sha256:0123456789abcdef', RepoTags: ['theirs:1'] };
  for (const name of ['sha256:0123456789abcdef', '0123456789ab']) {
    const { request, builds } = imageEngine(t, { [name]: image });
    await request({ image: name });
    t.true(builds()[0]!.includes('--build-arg=IMAGE=theirs:1'), name);
  }
});

test('triggers are removed by a commit, whose container and image are removed again', async t => {
  const { request, calls, builds } = imageEngine(t, { theirs: { Config: { OnBuild: ['RUN exit 3'] } } });
  await request({ image: 'theirs' });
  t.deepEqual(
    calls.map(([verb]) => verb).filter(verb => verb !== 'image'),
    ['rm', 'create', 'commit', 'rm', 'build', 'rmi'],
  );
  const plain = calls.find(([verb]) => verb === 'commit')!.at(-1);
  t.true(builds()[0]!.includes(`--build-arg=IMAGE=${plain}`));
  t.is(calls.at(-1)!.at(-1), plain);
});

const refusals = {
  'OCI runtime create failed: exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown':
    'it has no /bin/sh',
  '#12 0.081 runc run failed: unable to start container process: exec: "/bin/sh": stat /bin/sh: no such file or directory\n------\nERROR: failed to solve: exit code: 1':
    'it has no /bin/sh',
  "\x1b[91magent-flow: it lacks mkfifo\n\x1b[0mThe command '/bin/sh …' returned a non-zero code: 1":
    'it lacks mkfifo',
  '#12 0.231 agent-flow: it lacks sed\nERROR: failed to solve: exit code: 1': 'it lacks sed',
};

for (const [output, why] of Object.entries(refusals)) {
  test(`${JSON.stringify(output.slice(0, 40))}… is reported as: ${why}`, async t => {
    const { request } = imageEngine(t, { theirs: {} }, { failure: output });
    const error = (await t.throwsAsync(request({ image: 'theirs' }))) as StepError;
    t.is(error.kind, 'image');
    t.is(
      error.message,
      `the image theirs cannot run agents: ${why}. Use another one, or build it FROM tmux-agents-base:latest`,
    );
  });
}

for (const output of [
  'COPY failed: stat usr/local/lib/agent-flow/: file does not exist',
  'failed to compute cache key: failed to walk /x/merged/usr/local/lib/agent-flow: lstat /x/merged/usr/local/lib/agent-flow: no such file or directory',
  'ERROR: failed to solve: failed to calculate checksum of ref x: "/usr/local/lib/agent-flow": not found',
])
  test(`a base image without the files of the layer must be rebuilt: ${output.slice(0, 20)}…`, async t => {
    const { request } = imageEngine(t, { theirs: {} }, { failure: output });
    await t.throwsAsync(request({ image: 'theirs' }), {
      message: /tmux-agents-base:latest is of another release.*agent-flow build$/,
    });
  });

test('an image of another platform is refused with the command that pulls the right one', async t => {
  const { request, builds } = imageEngine(t, { theirs: { Architecture: 'arm64', Config: {} } });
  const error = (await t.throwsAsync(request({ image: 'theirs' }))) as StepError;
  t.is(error.kind, 'image');
  t.is(
    error.message,
    'the image theirs cannot run agents: it is for linux/arm64, and this engine runs linux/amd64. Pull it with docker pull --platform=linux/amd64 theirs',
  );
  t.deepEqual(builds(), []);
});

test('a layer of the same content is not built again', async t => {
  const { request, builds, context } = imageEngine(t, { theirs: { Config: {} } });
  const id = await request({ image: 'theirs' });
  const image = (await inspectImage('theirs', context))!;
  const base = () => Promise.reject(new Error('not needed'));
  t.is(await ensureLayer({ name: 'theirs', image }, { base, timeout: 1000 }, context), id);
  t.is(builds().length, 1);
});

test('a layer depends on the content of the commands', async t => {
  const { context, builds, source } = imageEngine(t, { theirs: { Config: {} } });
  const image = (await inspectImage('theirs', context))!;
  const base = async () => image;
  await ensureLayer({ name: 'theirs', image }, { base, timeout: 1000 }, context);
  writeFileSync(join(source, 'added'), '');
  await ensureLayer({ name: 'theirs', image }, { base, timeout: 1000 }, context);
  t.is(builds().length, 2);
});
