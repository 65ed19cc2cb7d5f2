import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { saveCopy } from '../../../src/actors/save-copy.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { fakeJournal, input, never } from '../_helpers/actor-ports.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';
import { folder } from '../_helpers/repositories.ts';
import { stream } from '../_helpers/tar-stream.ts';

const saved = (path: string) => ({ branch: null, commit: null, diff: null, path });

test.serial(
  'the workspace is copied out of the container, and appears under its name when it is whole',
  async t => {
    const root = folder(t);
    const { here } = fakeDocker(t, 'echo "$@" >"$here/args"; cat "$here/tar"');
    writeFileSync(join(here, 'tar'), Buffer.concat(stream([{ path: 'a.txt', content: 'hello' }])));
    const { emit, events } = fakeJournal();
    const result = await saveCopy({ recorder: nullRecorder, folder: () => root, emit }, input, never);
    t.deepEqual(result, saved(join(root, 'workspace')));
    t.is(readFileSync(join(root, 'workspace', 'a.txt'), 'utf8'), 'hello');
    t.is(readFileSync(join(here, 'args'), 'utf8'), `cp ${input.containerId}:/workspace/. -\n`);
    t.false(existsSync(join(root, 'workspace.making')));
    t.deepEqual(events, []);
  },
);

test.serial('an incomplete copy keeps its temporary name, and a warning has the reason', async t => {
  const root = folder(t);
  fakeDocker(t, 'echo "Error response from daemon: it broke" >&2; exit 1');
  const { emit, messages } = fakeJournal();
  const result = await saveCopy({ recorder: nullRecorder, folder: () => root, emit }, input, never);
  t.deepEqual(result, saved(join(root, 'workspace.making')));
  t.regex(messages().at(-1)!, /its copy is incomplete: it broke\. .*workspace\.making/);
  t.false(existsSync(join(root, 'workspace')));
});

test.serial('a saved copy is not saved again', async t => {
  const root = folder(t);
  mkdirSync(join(root, 'workspace'));
  const { here } = fakeDocker(t, 'echo x >"$here/called"');
  const { emit } = fakeJournal();
  const result = await saveCopy({ recorder: nullRecorder, folder: () => root, emit }, input, never);
  t.deepEqual(result, saved(join(root, 'workspace')));
  t.false(existsSync(join(here, 'called')));
});
