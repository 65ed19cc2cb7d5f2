import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { dockerCli } from '../../../src/docker/cli.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { copyImages } from '../../../src/images/copy-images.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

/** Two engines; the second has the image `b` with the id 2. */
function engines(t: ExecutionContext, { save = 'echo "$*"', load = 'cat >"$here/loaded"' } = {}) {
  const { here } = fakeDocker(
    t,
    `case "$DOCKER_HOST $1" in
    'tcp://to:1 image')
      [ "$4" = b ] || { echo "Error: No such image: $4" >&2; exit 1; }
      echo '[{"Id":"2"}]' ;;
    'tcp://from:1 save') touch "$here/saved"; ${save} ;;
    'tcp://to:1 load') ${load} ;;
    *) exit 9 ;;
    esac`,
  );
  const client = (host: string) => {
    const recorder = nullRecorder.to({ host, env: { DOCKER_HOST: host } });
    return { docker: dockerCli(recorder), recorder };
  };
  const copy = (ids: Readonly<Record<string, string>>) =>
    copyImages(ids, { from: client('tcp://from:1'), to: client('tcp://to:1'), timeout: 60_000 });
  return {
    copy,
    loaded: () => readFileSync(join(here, 'loaded'), 'utf8'),
    isSaved: () => existsSync(join(here, 'saved')),
  };
}

test.serial('only images that the other engine lacks, or has with another id, are copied', async t => {
  const { copy, loaded, isSaved } = engines(t);
  t.deepEqual(await copy({ b: '2' }), []);
  t.false(isSaved());
  t.deepEqual(await copy({ a: '1', b: '2' }), ['a']);
  t.is(loaded(), 'save -- a\n');
  t.deepEqual(await copy({ a: '1', b: '3' }), ['a', 'b']);
  t.is(loaded(), 'save -- a b\n');
});

test.serial('a copy that fails names the engine that failed', async t => {
  const from = engines(t, {
    save: 'echo no space left >&2; exit 1',
    load: 'cat >/dev/null; echo unexpected EOF >&2; exit 1',
  });
  await t.throwsAsync(from.copy({ a: '1' }), { message: /^could not save a: no space left/ });
  const half = engines(t, { save: 'echo half; echo cut off >&2; exit 1' });
  await t.throwsAsync(half.copy({ a: '1' }), { message: /^could not save a: cut off/ });
  const to = engines(t, { save: 'exec cat /dev/zero', load: 'echo disk is full >&2; exit 1' });
  await t.throwsAsync(to.copy({ a: '1' }), { message: /^could not load a: disk is full/ });
});
