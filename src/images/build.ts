import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asStepError, StepError } from '../../machines/step-error.ts';
import { dockerError } from '../docker/classify-error.ts';
import type { DockerResult } from '../docker/cli.ts';
import { label, labelFlags } from '../docker/labels.ts';
import { scratchDirectory, temporary } from '../store/scratch-directory.ts';
import { plainText } from '../text/text.ts';
import { type Image, type ImageContext, inspectImage, limits } from './inspect.ts';

export interface Build {
  readonly tag: string;
  /** The value of its label. */
  readonly kind: 'base' | 'gpu' | 'layer' | 'build' | 'proxy' | 'broker' | 'model-stub' | 'provider';
  /** For messages: `build tmux-agents-base:latest`. */
  readonly operation: string;
  readonly folder: string;
  readonly args: readonly string[];
  /** Milliseconds. */
  readonly timeout: number;
  /** Return the reason of a failed build from its output, if a better one is known. */
  readonly explain?: (output: string) => string | null;
}

/** Build an image, also if its tag exists. */
export async function buildImage(build: Build, context: ImageContext): Promise<Image> {
  const folder = await buildDirectory('agent-flow-build-', context);
  try {
    return await buildWithId(build, join(folder, 'id'), context);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Create a directory for files that a build needs. After a kill it is removed with the folder of the run. */
export const buildDirectory = (prefix: string, { folder }: Pick<ImageContext, 'folder'>): Promise<string> =>
  scratchDirectory(prefix, [...(folder === undefined ? [] : [folder]), ...temporary()]).catch(
    (error: Error) => {
      throw new StepError('image', error.message, { cause: error });
    },
  );

/** Build an image and find it by the id in `idFile`: a concurrent build may take the tag a moment later. */
async function buildWithId(build: Build, idFile: string, context: ImageContext): Promise<Image> {
  const { tag, kind, operation, folder, timeout } = build;
  const { docker, keepLog } = context;
  // The legacy builder would leave the container of a failed step behind.
  const args = [
    'build',
    `--tag=${tag}`,
    `--iidfile=${idFile}`,
    ...labelFlags({ [label.image]: kind }),
    '--force-rm',
    ...build.args,
    '--',
    folder,
  ];
  // Docker would require signatures of our own images; the setting is meant for pulled ones.
  const env = kind === 'build' ? {} : { DOCKER_CONTENT_TRUST: undefined };
  const result = await docker(args, { ...limits(context, timeout), isMutation: true, isLog: true, env });
  const output = `${result.stdout}\n${result.stderr}`.trim();
  try {
    keepLog?.(`build-${tag.replace(/[^\w.-]/g, '-')}.log`, `${output}\n`);
  } catch {
    // A log that cannot be written does not fail the build.
  }
  if (!result.ok) throw failure(result, output, build);
  const id = await readFile(idFile, 'utf8').catch(() => '');
  const built = await inspectImage(id.trim() || tag, context);
  if (!built) throw new StepError('transient', `could not ${operation}: ${tag} does not exist after it`);
  return built;
}

function failure(result: DockerResult, output: string, { kind, operation, explain }: Build): StepError {
  if (result.interrupted === 'timeout')
    return new StepError('timeout', 'the build ran past its limit, "timeouts.build"');
  // BuildKit prints everything on stderr; only its last line gives the reason, the rest may contain anything.
  const stderr = meaningfulLines(result.stderr).at(-1) ?? '';
  const error = asStepError(dockerError({ ...result, stdout: '', stderr }, { operation }), {
    fallbackKind: 'image',
  });
  const known = error.kind === 'image' ? explain?.(output) : null;
  if (known) return new StepError('image', known, { command: 'docker build' });
  return new StepError(
    error.kind,
    `${error.message}${kind === 'build' ? '' : unreachableBase(stderr)}\n  ${lastLines(output)}`,
    { command: 'docker build', inDoubt: error.inDoubt },
  );
}

/** Return the end of a build's output, for a message. */
export const lastLines = (output: string) => meaningfulLines(output).slice(-20).join('\n  ');

/** Return the lines of a build's output without the builder's own notices. */
const meaningfulLines = (output: string) =>
  plainText(output)
    .split('\n')
    .filter(line => !noise.test(line));

const noise = new RegExp(
  [
    / *$/,
    / *(DEPRECATED: The legacy builder|Install the buildx component|https:\/\/docs\.docker\.com|View build details)/,
    / ---> |Removing intermediate container /,
    /#\d+ (sha256:|CACHED|DONE|transferring |\[internal\])/,
  ]
    .map(({ source }) => `^(?:${source})`)
    .join('|'),
);

const unreachableBase = (stderr: string) =>
  /dial tcp|i\/o timeout|no such host|pull access denied|manifest unknown/i.test(stderr)
    ? '. Where no image registry can be reached, scripts/base-images makes its base images'
    : '';
