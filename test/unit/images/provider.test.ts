import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { StepError } from '../../../machines/step-error.ts';
import { ensureProvider, installCommand } from '../../../src/images/provider.ts';
import { providerNamed } from '../../../src/providers/catalogue.ts';
import { imageEngine } from '../_helpers/image-engine.ts';
import { folder } from '../_helpers/repositories.ts';

for (const [title, printed, said] of [
  [
    'no network',
    'npm error code ENOTFOUND\nnpm error the certificate desk is closed',
    /npm error code ENOTFOUND\n {2}npm error the certificate desk/,
  ],
  [
    'a certificate that npm does not know',
    'npm error code SELF_SIGNED_CERT_IN_CHAIN',
    /set NODE_EXTRA_CA_CERTS to a file/,
  ],
  [
    'a certificate that curl does not know',
    'curl: (60) SSL certificate problem',
    /set NODE_EXTRA_CA_CERTS to a file/,
  ],
] as const)
  test(`a CLI that cannot be installed for ${title} is reported with the installer's message`, async t => {
    const output = `${printed}\nagent-flow: claude could not be installed\nThe command returned a non-zero code: 1`;
    const { request, source } = imageEngine(t, {}, { failure: output });
    mkdirSync(join(source, 'provider'));
    const error = (await t.throwsAsync(request({ provider: 'claude' }))) as StepError;
    t.is(error.kind, 'image');
    t.regex(error.message, /^the image cannot get Claude Code: claude could not be installed\. /);
    t.regex(error.message, said);
  });

/** The build of a provider's CLI, with a fake engine that has these images. */
async function install(t: ExecutionContext, provider: string, images = {}) {
  const engine = imageEngine(t, images);
  mkdirSync(join(engine.source, 'provider'));
  writeFileSync(join(engine.source, 'provider', 'Dockerfile'), 'FROM scratch\n');
  const built = await ensureProvider('sha256:from', providerNamed(provider)!, 1000, engine.context);
  return { ...engine, built, args: engine.builds()[0] ?? [] };
}

test.serial('a CLI of npm is installed in its version, which its tag contains', async t => {
  const { install: source } = providerNamed('codex')!;
  const version = 'version' in source ? source.version : '';
  const { args } = await install(t, 'codex');
  t.true(args.includes(`--build-arg=INSTALL=npm install --global @openai/codex@${version}`));
  t.true(args.includes('--build-arg=PROGRAM=codex'));
  t.regex(
    args[1]!,
    new RegExp(`^--tag=tmux-agents-provider:codex-${version.replaceAll('.', '\\.')}-[0-9a-f]{12}$`),
  );
});

test('a program that a CLI needs is installed before it', t => {
  const needs = { program: 'ps', package: 'procps' };
  t.is(
    installCommand({ npm: 'x', version: '1.0.0', needs }),
    '{ command -v ps || { apt-get update && apt-get install -y --no-install-recommends procps; }; } && npm install --global x@1.0.0',
  );
});

test.serial('a CLI with an install script is installed by it', async t => {
  const { args } = await install(t, 'kiro');
  t.true(args.some(arg => arg.startsWith('--build-arg=INSTALL=case "$(uname -m)" in x86_64) url=')));
  t.regex(args[1]!, /^--tag=tmux-agents-provider:kiro-2\.\d+\.\d+-[0-9a-f]{12}$/);
});

test.serial('the user of the image is kept, root without one', async t => {
  const { args } = await install(t, 'codex', { 'sha256:from': { Config: { User: 'app' } } });
  t.true(args.includes('--build-arg=IMAGE_USER=app'));
  t.true((await install(t, 'codex')).args.includes('--build-arg=IMAGE_USER=0'));
});

/** Set NODE_EXTRA_CA_CERTS for the test. */
function setCertificates(t: ExecutionContext, file: string) {
  const before = process.env.NODE_EXTRA_CA_CERTS;
  process.env.NODE_EXTRA_CA_CERTS = file;
  t.teardown(() => {
    if (before === undefined) delete process.env.NODE_EXTRA_CA_CERTS;
    else process.env.NODE_EXTRA_CA_CERTS = before;
  });
}

test.serial("the host's extra certificates are passed to the installer, and are part of the tag", async t => {
  setCertificates(t, '');
  const without = await install(t, 'codex');
  t.false(without.args.some(arg => arg.includes('CA_FILE')));
  const file = join(folder(t), 'ca.pem');
  writeFileSync(file, 'certificates');
  process.env.NODE_EXTRA_CA_CERTS = file;
  const { args } = await install(t, 'codex');
  t.true(args.includes('--build-arg=CA_FILE=/usr/local/lib/agent-flow/provider/ca.crt'));
  t.not(args[1], without.args[1]);
});

test.serial('certificates that cannot be read are reported with their path', async t => {
  setCertificates(t, '/nowhere/ca.pem');
  const error = (await t.throwsAsync(install(t, 'codex'))) as StepError;
  t.is(error.kind, 'image');
  t.regex(error.message, /^NODE_EXTRA_CA_CERTS names \/nowhere\/ca\.pem, which cannot be read: ENOENT/);
});

test.serial('an image without node gets a hint instead of the output', async t => {
  const { request, source } = imageEngine(t, {}, { failure: 'agent-flow: it has no node\nexit code: 1' });
  mkdirSync(join(source, 'provider'));
  await t.throwsAsync(request({ provider: 'codex' }), {
    message:
      'the image cannot get Codex: it has no node. Build it FROM tmux-agents-base:latest, or leave "image" out',
  });
});
