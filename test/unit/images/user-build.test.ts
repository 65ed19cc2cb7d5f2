import test from 'ava';
import { buildFromSpec } from '../../../src/images/user-build.ts';
import { imageEngine } from '../_helpers/image-engine.ts';

test('the tag of a build depends on its definition, not on the order of its arguments', async t => {
  const tag = async (more: object) => {
    const { request, builds } = imageEngine(t, {});
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

test('a build passes its Dockerfile, arguments and target', async t => {
  const { context, builds } = imageEngine(t);
  const plan = { context: '/here', dockerfile: 'sub/Dockerfile', args: { A: '1 2', B: '' }, target: 'last' };
  const { name, image } = await buildFromSpec(plan, 1000, context);
  t.is(image.id, `sha256:of ${name}`);
  t.deepEqual(builds()[0]!.slice(2), [
    '--label=tmux-agents.image=build',
    '--force-rm',
    '--file=/here/sub/Dockerfile',
    '--build-arg=A=1 2',
    '--build-arg=B=',
    '--target=last',
    '--',
    '/here',
  ]);
});

test('a build runs again though its tag exists', async t => {
  const { context, builds } = imageEngine(t);
  const plan = { context: '/here', dockerfile: 'Dockerfile', args: {}, target: null };
  await buildFromSpec(plan, 1000, context);
  await buildFromSpec(plan, 1000, context);
  t.is(builds().length, 2);
});
