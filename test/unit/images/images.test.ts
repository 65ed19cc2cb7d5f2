import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { StepError } from '../../../machines/step-error.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import { type ImageRequest, imageBuilder } from '../../../src/images/images.ts';

const source = mkdtempSync(join(tmpdir(), 'agent-flow-images-'));
test.after.always(() => rmSync(source, { recursive: true, force: true }));
writeFileSync(join(source, 'Dockerfile'), 'FROM scratch\n');

interface Fake {
  readonly Id?: string;
  readonly RepoTags?: readonly string[];
  readonly Architecture?: string;
  readonly Config?: object;
}

const base: Fake = { Id: 'sha256:ba5e', Config: { Labels: { 'tmux-agents.protocol': '1' } } };

const idFile = (calls: readonly (readonly string[])[]) =>
  calls.flat().find(arg => arg.startsWith('--iidfile=')) ?? '';

/** An engine with these images, on which every build succeeds, or fails with the output in `failure`. */
function engine(
  images: Readonly<Record<string, Fake>>,
  failure: string | null = null,
  more: { folder?: string } = {},
) {
  const calls: string[][] = [];
  const all = new Map(Object.entries({ 'tmux-agents-base:latest': base, ...images }));
  const docker: Docker = async args => {
    calls.push([...args]);
    const name = args.at(-1)!;
    const found = args[0] === 'image' ? all.get(name) : null;
    const tag = args.find(arg => arg.startsWith('--tag='))?.slice('--tag='.length);
    if (tag && failure === null) all.set(tag, { Id: `sha256:of ${tag}` });
    const stderr = found === undefined ? 'Error: No such image' : tag && failure !== null ? failure : '';
    const stdout = found
      ? JSON.stringify([{ Os: 'linux', Architecture: 'amd64', ...found, Id: found.Id ?? `sha256:${name}` }])
      : '';
    return { args, ok: stderr === '', exitCode: stderr === '' ? 0 : 1, stdout, stderr, interrupted: null };
  };
  const make = imageBuilder({ docker, source, ...more }, 1000);
  const request = (more: Partial<ImageRequest>) =>
    make({ image: null, build: null, gpus: false, provider: 'command', user: null, timeout: 1000, ...more });
  const builds = () =>
    calls.filter(([verb]) => verb === 'build').map(args => args.filter(arg => !arg.startsWith('--iidfile=')));

  return { request, calls, builds };
}

test('an image with our commands is used as it is', async t => {
  const { request, builds } = engine({ mine: { Config: { Labels: { 'tmux-agents.protocol': '1' } } } });
  t.is(await request({ image: 'mine' }), 'sha256:mine');
  t.deepEqual(builds(), []);
});

test.serial('a build works even if TMPDIR does not exist', async t => {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = join(source, 'gone');
  t.teardown(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  const { request, calls } = engine({ theirs: { Config: {} } });
  t.regex(await request({ image: 'theirs' }), /^sha256:of tmux-agents-layer:/);
  t.regex(idFile(calls), /^--iidfile=\/(var\/)?tmp\/agent-flow-build-/);
});

test('temporary files of a build are in the folder of its run', async t => {
  const folder = mkdtempSync(join(source, 'run-'));
  const { request, calls } = engine({ theirs: { Config: {} } }, null, { folder });
  await request({ image: 'theirs' });
  t.true(idFile(calls).startsWith(`--iidfile=${folder}/agent-flow-build-`), idFile(calls));
});

test('an image with our commands but a PATH without them gets the layer', async t => {
  const Labels = { 'tmux-agents.protocol': '1' };
  const own = { Config: { Labels, Env: ['PATH=/opt/tool/bin:/usr/bin'] } };
  const empty = { Config: { Labels, Env: ['PATH='] } };
  const complete = { Config: { Labels, Env: ['PATH=/opt/tool/bin:/usr/local/bin'] } };
  const { request, builds } = engine({ own, empty, complete });
  for (const image of ['own', 'empty', 'complete']) await request({ image });
  t.is(builds().length, 2);
  t.true(builds()[0]!.includes('--build-arg=IMAGE_PATH=/opt/tool/bin:/usr/bin:/usr/local/bin'));
});

for (const [title, printed, expected] of [
  [
    'no network',
    'npm error code ENOTFOUND\nnpm error no certificate was checked',
    /npm error code ENOTFOUND\n {2}npm error no certificate was checked/,
  ],
  ["a proxy's certificate", 'npm error code SELF_SIGNED_CERT_IN_CHAIN', /set NODE_EXTRA_CA_CERTS to a file/],
  [
    'a certificate that curl rejects',
    'curl: (60) SSL certificate problem',
    /set NODE_EXTRA_CA_CERTS to a file/,
  ],
] as const)
  test(`a CLI that cannot be installed for ${title} is reported with the installer's message`, async t => {
    mkdirSync(join(source, 'provider'), { recursive: true });
    const output = `${printed}\nagent-flow: claude could not be installed\nThe command returned a non-zero code: 1`;
    const { request } = engine({}, output);
    const error = (await t.throwsAsync(request({ provider: 'claude' }))) as StepError;
    t.is(error.kind, 'image');
    t.regex(error.message, /^the image cannot get Claude Code: claude could not be installed\. /);
    t.regex(error.message, expected);
  });

test("content trust applies to pulled images and the user's builds, not to our own builds", async t => {
  const trusts: (readonly [string, boolean])[] = [];
  const docker: Docker = async (args, options) => {
    if (args[0] === 'build') {
      const kind = args
        .find(arg => arg.startsWith('--label=tmux-agents.image='))!
        .split('=')
        .at(-1)!;
      trusts.push([kind, !('DOCKER_CONTENT_TRUST' in (options?.env ?? {}))]);
    }
    const stdout =
      args[0] === 'image' ? JSON.stringify([{ Id: 'sha256:1', Os: 'linux', Architecture: 'amd64' }]) : '';
    return { args, ok: true, exitCode: 0, stdout, stderr: '', interrupted: null };
  };
  const make = imageBuilder({ docker, source }, 1000);
  const build = { context: source, dockerfile: 'Dockerfile', args: {}, target: null };
  await make({ image: null, build, gpus: false, provider: 'command', user: null, timeout: 1000 });
  t.deepEqual(new Map(trusts).get('build'), true);
  t.true(trusts.some(([kind]) => kind !== 'build'));
  t.false(trusts.some(([kind, isTrusted]) => kind !== 'build' && isTrusted));
});

test('the layer gets the user, the language and the PATH of the image', async t => {
  const Config = { User: 'app:app', Env: ['PATH=/opt/bin:/bin', 'LANG=de_DE.UTF-8', 'X=1'] };
  const { request, builds } = engine({ theirs: { Config } });
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
  const { request, builds } = engine({ theirs: { Config: {} } });
  await request({ image: 'theirs' });
  for (const arg of [
    '--build-arg=IMAGE_USER=0',
    '--build-arg=IMAGE_LANG=C.UTF-8',
    '--build-arg=IMAGE_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ])
    t.true(builds()[0]!.includes(arg), arg);
});

test('the layer of an image given by id is built on its tag, since BuildKit accepts no id', async t => {
  const image = { Id: 'sha256:0123456789abcdef', RepoTags: ['theirs:1'] };
  for (const name of ['sha256:0123456789abcdef', '0123456789ab']) {
    const { request, builds } = engine({ [name]: image });
    await request({ image: name });
    t.true(builds()[0]!.includes('--build-arg=IMAGE=theirs:1'), name);
  }
});

test('two names of one image share one layer, even concurrently', async t => {
  const image = { Id: 'sha256:0123456789abcdef' };
  const { request, builds } = engine({ one: image, two: image });
  const [one, two] = await Promise.all([request({ image: 'one' }), request({ image: 'two' })]);
  t.is(one, two);
  t.is(builds().length, 1);
});

test('ONBUILD triggers are removed by a temporary commit', async t => {
  const { request, calls, builds } = engine({ theirs: { Config: { OnBuild: ['RUN exit 3'] } } });
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
    const { request } = engine({ theirs: {} }, output);
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
  test(`a base image without the layer's files is reported with a hint: ${output.slice(0, 20)}…`, async t => {
    const { request } = engine({ theirs: {} }, output);
    await t.throwsAsync(request({ image: 'theirs' }), {
      message: /tmux-agents-base:latest is of another release.*agent-flow build$/,
    });
  });

test("the error of a failed build starts with its reason, then the output without the builder's notices", async t => {
  const notices = 'DEPRECATED: The legacy builder is deprecated\n   Install the buildx component\n\n';
  const { request } = engine(
    {},
    `${notices}Step 1/2 : RUN x\n ---> Running in abc\n\x1b[91moh no\x1b[0m\nit ended with 1\n`,
  );
  const build = { context: '/here', dockerfile: 'Dockerfile', args: { B: '2', A: '1' }, target: 'last' };
  const error = (await t.throwsAsync(request({ build }))) as StepError;
  t.is(
    error.message,
    'could not build the image of /here/Dockerfile: it ended with 1\n  Step 1/2 : RUN x\n  oh no\n  it ended with 1',
  );
});

test('the tag of a build depends on its definition, not on the order of its arguments', async t => {
  const tag = async (more: object) => {
    const { request, builds } = engine({});
    await request({ build: { context: '/here', dockerfile: 'Dockerfile', args: {}, target: null, ...more } });
    return builds()[0]![1];
  };
  t.is(await tag({ args: { A: '1', B: '2' } }), await tag({ args: { B: '2', A: '1' } }));
  const tags = [
    await tag({}),
    await tag({ args: { A: '1' } }),
    await tag({ target: 'x' }),
    await tag({ dockerfile: 'x' }),
    await tag({ context: '/x' }),
  ];
  t.is(new Set(tags).size, tags.length);
});

test('an agent with GPUs and without an image gets the CUDA image', async t => {
  const { request, builds } = engine({});
  t.is(await request({ gpus: true }), 'sha256:of tmux-agents-base-gpu:latest');
  t.true(builds().some(args => args.includes(`--file=${join(source, 'Dockerfile.gpu')}`)));
  t.true(builds().some(args => args.includes('--label=tmux-agents.image=gpu')));
});

test('a build is identified by its id, even if another build takes its tag', async t => {
  const docker: Docker = async args => {
    const idFile = args.find(arg => arg.startsWith('--iidfile='))?.slice('--iidfile='.length);
    if (idFile) writeFileSync(idFile, 'sha256:0d15\n');
    const name = args.at(-1)!;
    const exists = args[0] !== 'image' || name === 'sha256:0d15';
    const stdout = JSON.stringify([{ Id: name }]);
    return {
      args,
      ok: exists,
      exitCode: exists ? 0 : 1,
      stdout: exists ? stdout : '',
      stderr: exists ? '' : 'Error: No such image',
      interrupted: null,
    };
  };
  const make = imageBuilder({ docker, source }, 1000);
  t.is(
    await make({ image: null, build: null, gpus: false, provider: 'command', user: null, timeout: 1000 }),
    'sha256:0d15',
  );
});
