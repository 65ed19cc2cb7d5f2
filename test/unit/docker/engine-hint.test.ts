import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import test from 'ava';
import { engineHint, missingContext } from '../../../src/docker/engine-hint.ts';
import { onPath } from '../../../src/on-path.ts';
import { folder } from '../_helpers/repositories.ts';

const idOf = (name: string) => createHash('sha256').update(name).digest('hex');

/** Create a configuration directory of the docker client, with these contexts. */
function clientConfig(at: string, config: string | null, contexts: readonly string[] = []): string {
  if (config !== null) writeFileSync(join(at, 'config.json'), config);
  for (const name of contexts) {
    const file = join(at, 'contexts', 'meta', idOf(name), 'meta.json');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '{}');
  }
  return at;
}

test('a context that does not exist is named, with the setting that selects it', t => {
  const DOCKER_CONFIG = clientConfig(folder(t), '{"currentContext": "desktop-linux"}', ['there']);
  t.regex(engineHint('', { DOCKER_CONFIG }), /in place of desktop-linux: docker context use default/);
  t.regex(
    engineHint('', { DOCKER_CONFIG, DOCKER_CONTEXT: 'gone' }),
    /in place of gone: in DOCKER_CONTEXT, --context/,
  );
  t.is(missingContext({ DOCKER_CONFIG, DOCKER_CONTEXT: 'there' }), null);
  t.is(missingContext({ DOCKER_CONFIG, DOCKER_CONTEXT: 'default' }), null);
  // DOCKER_HOST takes precedence over contexts.
  t.is(missingContext({ DOCKER_CONFIG, DOCKER_HOST: 'tcp://h:1' }), null);
});

for (const config of [null, '', '{', '[]', '3', '{"currentContext": 3}', '{"currentContext": ""}'])
  test(`a client configuration that is ${config ?? 'missing'} selects no context`, t => {
    t.is(missingContext({ DOCKER_CONFIG: clientConfig(folder(t), config) }), null);
  });

test('the hint for an ssh:// address is to install ssh if it is missing', t => {
  const bin = folder(t);
  const env = { DOCKER_HOST: 'ssh://me@far', PATH: bin };
  t.regex(engineHint('ssh://me@far', env), /^install ssh/);
  symlinkSync(onPath('sh', process.env)!, join(bin, 'ssh'));
  t.regex(engineHint('ssh://me@far', env), /^start the engine there, or unset DOCKER_HOST/);
  t.regex(engineHint('ssh://me@far', { PATH: bin }), /another context/);
});

test('the hint for a local engine depends on its socket', async t => {
  const here = folder(t);
  const socket = join(here, 'docker.sock');
  const hint = (path: string, env: NodeJS.ProcessEnv = {}) => engineHint(`unix://${path}`, env);
  t.regex(hint(socket), /^start Docker, for example with sudo systemctl start docker$/);
  t.regex(hint(socket, { DOCKER_HOST: `unix://${socket}` }), /or unset DOCKER_HOST$/);
  writeFileSync(join(here, 'file'), '');
  t.regex(hint(join(here, 'file', 'docker.sock')), /^start Docker/);
  const server = createServer();
  await new Promise<void>(listening => server.listen(socket, listening));
  t.teardown(() => server.close());
  t.regex(hint(socket), /^look at its log/);
  t.regex(
    hint(socket, { DOCKER_API_VERSION: '1.99' }),
    /^unset DOCKER_API_VERSION, which is 1\.99; otherwise/,
  );
});
