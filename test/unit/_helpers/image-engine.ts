import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import { type ImageRequest, imageBuilder } from '../../../src/images/images.ts';
import { builtIn } from '../../../src/providers/catalogue.ts';
import { folder } from './repositories.ts';

/** An image as `docker image inspect` prints it. */
export interface FakeImage {
  readonly Id?: string;
  readonly RepoTags?: readonly string[];
  readonly Architecture?: string;
  readonly Config?: object;
}

interface Options {
  /** The stderr of every build; null for success. */
  readonly failure?: string | null;
  /** Images that a registry has. */
  readonly registry?: Readonly<Record<string, FakeImage>>;
  /** The folder of the run. */
  readonly runFolder?: string;
}

const base: FakeImage = { Id: 'sha256:ba5e', Config: { Labels: { 'tmux-agents.protocol': '2' } } };

/** A fake engine with the base image and these images; a build or a pull adds one. */
export function imageEngine(
  t: ExecutionContext,
  images: Readonly<Record<string, FakeImage>> = {},
  { failure = null, registry = {}, runFolder }: Options = {},
) {
  const source = folder(t);
  writeFileSync(join(source, 'Dockerfile'), 'FROM scratch\n');
  const calls: string[][] = [];
  const all = new Map(Object.entries({ 'tmux-agents-base:latest': base, ...images }));
  const docker: Docker = async args => {
    calls.push([...args]);
    const name = args.at(-1)!;
    const pulled = args[0] === 'pull' ? registry[name] : undefined;
    if (pulled) all.set(name, pulled);
    const found = args[0] === 'image' ? all.get(name) : null;
    const tag = args.find(arg => arg.startsWith('--tag='))?.slice('--tag='.length);
    if (tag && failure === null) all.set(tag, { Id: `sha256:of ${tag}` });
    const stderr =
      found === undefined
        ? 'Error: No such image'
        : args[0] === 'pull' && !pulled
          ? `Error response from daemon: manifest for ${name} not found: manifest unknown`
          : tag && failure !== null
            ? failure
            : '';
    const stdout = found
      ? JSON.stringify([{ Os: 'linux', Architecture: 'amd64', ...found, Id: found.Id ?? `sha256:${name}` }])
      : '';
    return { args, ok: stderr === '', exitCode: stderr === '' ? 0 : 1, stdout, stderr, interrupted: null };
  };
  const context = { docker, source, ...(runFolder === undefined ? {} : { folder: runFolder }) };
  const make = imageBuilder(context, { timeout: 1000, providers: builtIn });
  const request = (more: Partial<ImageRequest>) =>
    make({ image: null, build: null, gpus: false, provider: 'command', user: null, timeout: 1000, ...more });
  const builds = () =>
    calls.filter(([verb]) => verb === 'build').map(args => args.filter(arg => !arg.startsWith('--iidfile=')));
  return { context, request, calls, builds, source };
}
