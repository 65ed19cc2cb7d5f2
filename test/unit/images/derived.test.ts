import test from 'ava';
import { type Derived, ensureDerived } from '../../../src/images/derived.ts';
import { fakeClient, rejection } from '../_helpers/actor-ports.ts';

const derived: Derived = {
  from: 'sha256:from',
  tag: 'tmux-agents-layer:abc',
  kind: 'layer',
  operation: 'derive an image',
  folder: '/context',
  options: ['--network=none'],
  args: { A: '1' },
  timeout: 5_000,
};
const image = JSON.stringify([{ Id: 'sha256:made' }]);
const verbs = (calls: readonly string[]) => calls.map(call => call.split(' ')[0]);

/** A client whose image of the tag exists from the first build on. */
function client(more: Parameters<typeof fakeClient>[0] = () => undefined) {
  let isBuilt = false;
  return fakeClient((args, options) => {
    const given = more(args, options);
    if (given) return given;
    if (args[0] === 'build') isBuilt = true;
    if (args[0] !== 'image') return undefined;
    return isBuilt ? { stdout: image } : { stderr: 'Error: No such image' };
  });
}

test('an image whose tag exists is not built', async t => {
  const { docker, calls } = fakeClient(() => ({ stdout: image }));
  t.is((await ensureDerived(derived, { docker, source: '/' })).id, 'sha256:made');
  t.deepEqual(verbs(calls), ['image']);
});

test('a build is FROM a temporary tag of the id, which is removed afterwards', async t => {
  const { docker, calls } = client();
  t.is((await ensureDerived(derived, { docker, source: '/' })).id, 'sha256:made');
  t.deepEqual(verbs(calls), ['image', 'tag', 'build', 'image', 'rmi']);
  t.is(calls[1], 'tag sha256:from tmux-agents-layer:source-abc');
  t.true(
    calls[2]!.includes('--network=none --build-arg=IMAGE=tmux-agents-layer:source-abc --build-arg=A=1 --'),
  );
  t.is(calls[4], 'rmi --no-prune tmux-agents-layer:source-abc');
});

test('a build is FROM the id itself where it cannot be tagged', async t => {
  const { docker, calls } = client(([verb]) => (verb === 'tag' ? { stderr: 'no' } : undefined));
  await ensureDerived(derived, { docker, source: '/' });
  t.true(calls[2]!.includes('--build-arg=IMAGE=sha256:from'));
});

test('the temporary tag of a failed build is removed', async t => {
  const { docker, calls } = client(([verb]) => (verb === 'build' ? { stderr: 'exit code: 1' } : undefined));
  t.like(await rejection(ensureDerived(derived, { docker, source: '/' })), { kind: 'image' });
  t.is(verbs(calls).at(-1), 'rmi');
});
