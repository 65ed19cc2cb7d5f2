import * as z from 'zod';
import { asStepError } from '../../machines/step-error.ts';
import { dockerError } from '../docker/classify-error.ts';
import type { Docker, DockerOptions, DockerResult } from '../docker/cli.ts';
import { matchesMessage } from '../docker/messages.ts';
import { parseOutput } from '../docker/parse-output.ts';

/** The dependencies of all functions on images. */
export interface ImageContext {
  readonly docker: Docker;
  /** The folder of the Dockerfiles of our own images. */
  readonly source: string;
  /** The folder of the run that needs the image. */
  readonly folder?: string;
  /** Keep the output of a build under this file name. */
  readonly keepLog?: (name: string, output: string) => void;
  readonly signal?: AbortSignal;
}

const texts = z
  .array(z.string())
  .nullish()
  .transform(list => list ?? []);

/** Remove the registry that Podman adds to the names of images. */
const shortNames = (names: readonly string[]): string[] =>
  names.map(name => name.replace(/^docker\.io\/(library\/)?/, ''));

const inspected = z
  .object({
    Id: z.string(),
    RepoTags: texts,
    Size: z.number().optional(),
    Os: z.string().optional(),
    Architecture: z.string().optional(),
    Config: z
      .object({
        Labels: z.record(z.string(), z.string()).nullish(),
        User: z.string().nullish(),
        Env: texts,
        OnBuild: texts,
      })
      .nullish(),
  })
  .transform(({ Id, RepoTags, Size, Os, Architecture, Config }) => ({
    id: Id,
    tags: shortNames(RepoTags),
    /** Bytes. */
    size: Size ?? 0,
    platform: { os: Os ?? '', arch: Architecture ?? '' },
    labels: Config?.Labels ?? {},
    /** Empty for root. */
    user: Config?.User ?? '',
    env: Config?.Env ?? [],
    /** Its ONBUILD instructions, which a build FROM it runs first. */
    triggers: Config?.OnBuild ?? [],
  }));

export type Image = z.output<typeof inspected>;

/** Parse the output of `docker image inspect`. */
export const parseImages = (result: DockerResult): Image[] =>
  parseOutput(result, stdout => z.array(inspected).parse(JSON.parse(stdout || '[]')));

export const inspectImageArgs = (name: string) => ['image', 'inspect', '--', name];

/** Find the image of this name or id; null if it does not exist. */
export async function inspectImage(name: string, context: ImageContext): Promise<Image | null> {
  const result = await context.docker(inspectImageArgs(name), limits(context, 30_000));
  if (result.ok) return parseImages(result)[0] ?? null;
  if (matchesMessage('noImage', result.stderr)) return null;
  throw asStepError(dockerError(result, { operation: `look for the image ${name}` }), {
    fallbackKind: 'image',
  });
}

/** Return the timeout and the signal of a docker call. */
export const limits = ({ signal }: ImageContext, timeout: number): DockerOptions =>
  signal ? { timeout, signal } : { timeout };
