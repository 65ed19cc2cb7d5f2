import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { DockerResult } from '../../../src/docker/cli.ts';
import { checkImages } from '../../../src/doctor/images.ts';
import { contentHash } from '../../../src/images/content.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';

type Labels = Readonly<Record<string, string>>;

/** Findings of a checkout with this Dockerfile on an engine with these images, and a registry with the parent or without. */
async function check(
  t: ExecutionContext,
  {
    dockerfile = 'ARG BASE_IMAGE=node:22-slim\nFROM $BASE_IMAGE\n',
    images = () => ({}),
    isInRegistry = false,
  }: {
    dockerfile?: string;
    images?: (content: string) => Readonly<Record<string, Labels>>;
    isInRegistry?: boolean;
  },
) {
  const source = folder(t);
  writeFileSync(join(source, 'Dockerfile'), dockerfile);
  const existing = images(await contentHash(source));
  const respond = (args: readonly string[]): Partial<DockerResult> => {
    if (args[0] === 'manifest') return isInRegistry ? {} : { stderr: 'no such manifest' };
    const labels = existing[args.at(-1)!];
    if (labels === undefined) return { stderr: 'Error: No such image' };
    return { stdout: JSON.stringify([{ Id: `sha256:${'ab'.repeat(32)}`, Config: { Labels: labels } }]) };
  };
  const { docker, calls } = fakeClient(respond);
  const findings = Object.fromEntries((await checkImages(docker, source)).map(found => [found.check, found]));
  return { base: findings['base image']!, parent: findings['parent image'], calls };
}

const base = 'tmux-agents-base:latest';
const protocol = { 'tmux-agents.protocol': '2' };

test('a missing base image causes a warning, and its parent is looked up in a registry', async t => {
  const missing = await check(t, { isInRegistry: true });
  t.is(missing.base.status, 'warn');
  t.regex(missing.base.hint!, /agent-flow build/);
  t.like(missing.parent, { status: 'ok', found: 'node:22-slim does not exist, but can be pulled' });
  t.true(missing.calls.includes('manifest inspect node:22-slim'));
});

test('a parent that no registry has causes a warning', async t => {
  const { parent } = await check(t, {});
  t.is(parent!.status, 'warn');
  t.regex(parent!.hint!, /docker pull node:22-slim/);
});

test('a base image of the content of this version is current, and no registry is asked for its parent', async t => {
  const current = await check(t, {
    images: content => ({ [base]: { ...protocol, 'tmux-agents.content': content } }),
  });
  t.like(current.base, { status: 'ok', found: `${base}, current (abababababab)` });
  t.like(current.parent, { status: 'ok', found: 'node:22-slim does not exist; the next build needs it' });
  t.false(current.calls.some(call => call.startsWith('manifest')));
});

test('a base image without a content label was built by hand, and passes', async t => {
  const { base: found } = await check(t, { images: () => ({ [base]: protocol }) });
  t.like(found, { status: 'ok', found: `${base}, built by hand and used as is` });
});

test('a base image of another version or protocol causes a warning', async t => {
  const older = await check(t, {
    images: () => ({ [base]: { ...protocol, 'tmux-agents.content': 'f00d' } }),
  });
  t.like(older.base, { status: 'warn', found: `${base} was built by another version` });
  const foreign = await check(t, { images: () => ({ [base]: { 'tmux-agents.protocol': '0' } }) });
  t.is(foreign.base.status, 'warn');
  t.regex(foreign.base.found, /does not implement protocol 2/);
});

test('the parent is that of the Dockerfile', async t => {
  const dockerfile = '# comment\nARG BASE_IMAGE=registry.example/node:24\nFROM $BASE_IMAGE\n';
  const { parent } = await check(t, { dockerfile, images: () => ({ 'registry.example/node:24': {} }) });
  t.like(parent, { status: 'ok', found: 'registry.example/node:24 exists' });
  const { parent: fallback } = await check(t, { dockerfile: 'FROM scratch\n' });
  t.regex(fallback!.found, /^node:22-slim /);
});

test('an engine that cannot look for images causes one warning with its message', async t => {
  const source = folder(t);
  writeFileSync(join(source, 'Dockerfile'), 'FROM scratch\n');
  const { docker } = fakeClient(() => ({ stderr: 'Error response from daemon: disk is on fire' }));
  const [finding, ...others] = await checkImages(docker, source);
  t.deepEqual(others, []);
  t.is(finding!.status, 'warn');
  t.regex(finding!.found, /disk is on fire/);
});
