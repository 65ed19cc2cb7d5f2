import { setTimeout as delay } from 'node:timers/promises';
import { classify, dockerError } from '../docker/classify-error.ts';
import type { Docker, DockerResult } from '../docker/cli.ts';
import { label, labelFlags } from '../docker/labels.ts';
import { matchesMessage } from '../docker/messages.ts';
import { baseImage } from '../images/base.ts';
import { mountFlag } from './create-args.ts';

/**
 * The property of a mounted path that a container reports.
 * - `identity`: the running kernel, the device and inode numbers, and the mount points below it, as `/proc/self/mountinfo`
 *   spells them.
 * - `content`: the SHA-256 digest of a file, or of the list of a directory.
 * - `file`: the text of this file in the directory.
 */
type Look = 'identity' | 'content' | { readonly file: string };

export interface Question {
  readonly path: string;
  readonly look: Look;
}

export interface ProbeOptions {
  readonly docker: Docker;
  /** Images to try if the engine does not have the base image yet. Their programs may suffice. */
  readonly images: readonly string[];
  /** Builds the base image, if none of the images exists and suffices. */
  readonly makeImage: () => Promise<unknown>;
  /** The engine maps users of containers to other ids on the host. */
  readonly isRemapped: boolean;
}

/** For one container. */
const maxMounts = 64;
const maxTries = 3;
const retryDelayMs = 1_000;
const timeoutMs = 60_000;

/** The script's exit code in an image that lacks a program. */
const missingProgramCode = 70;

/**
 * Return a shell script that prints one line per argument, each the `look` at a path `FOLDER/0`, `FOLDER/1` and so on. The
 * list of a directory consists of the times of the directory and its entries, and the sizes of all but directories.
 */
export const probeScript = (folder: string, bootId: string) => `export LC_ALL=C
for program in stat sha256sum cut head tr sort; do command -v $program >/dev/null || exit ${missingProgramCode}; done
find / -maxdepth 0 -printf '' || exit ${missingProgramCode}
boot=$(cat ${bootId} 2>/dev/null)
n=0
for look; do
  at=${folder}/$n; n=$((n + 1))
  case $look in
  identity)
    if id=$(stat -L -c %d:%i "$at"); then
      printf '%s' "\${boot:-none} $id"
      while read -r _ _ _ _ point _; do
        case $point in "$at"/*) printf ' %s' "\${point#"$at"}" ;; esac
      done </proc/self/mountinfo
    fi
    echo ;;
  content)
    if [ -d "$at" ]; then
      find -H "$at" -maxdepth 1 \\( -type d -printf '%P %Ts\\n' \\) -o -printf '%P %Ts %s\\n' | sort | sha256sum
    elif [ -f "$at" ]; then sha256sum <"$at"
    fi | cut -c1-64 ;;
  *) if [ -f "$at/$look" ]; then head -c 64 "$at/$look" | tr -d '\\n'; fi; echo ;;
  esac 2>/dev/null | { IFS= read -r line; printf '%s\\n' "$line"; }
done
`;

const probeArgs = (image: string, questions: readonly Question[], isRemapped: boolean) => [
  'run',
  '--rm',
  '--pull=never',
  '--network=none',
  '--log-driver=none',
  '--no-healthcheck',
  '--read-only',
  '--workdir=/',
  '--user=0',
  '--cap-drop=ALL',
  '--cap-add=DAC_OVERRIDE',
  '--security-opt=no-new-privileges',
  // It reads no more than a file's identity, which SELinux would refuse.
  '--security-opt=label=disable',
  '--pids-limit=64',
  ...(isRemapped ? ['--userns=host'] : []),
  ...questions.map(({ path }, index) =>
    mountFlag({ type: 'bind', source: path, target: `/files/${index}`, readonly: 'true' }),
  ),
  ...labelFlags({ [label.role]: 'probe' }),
  '--entrypoint=sh',
  '--',
  image,
  '-c',
  probeScript('/files', '/proc/sys/kernel/random/boot_id'),
  'probe',
  ...questions.map(({ look }) => (typeof look === 'string' ? look : look.file)),
];

/**
 * Mount paths like those of agents and return what a container finds there, in the order of the questions; an empty text if
 * the path does not exist on the engine. Throws a `DockerError` if the engine cannot run a container.
 */
export async function probeFiles(questions: readonly Question[], options: ProbeOptions): Promise<string[]> {
  const found: string[] = [];
  for (let from = 0; from < questions.length; from += maxMounts)
    found.push(...(await probeSome(questions.slice(from, from + maxMounts), options)));
  return found;
}

async function probeSome(questions: readonly Question[], options: ProbeOptions): Promise<string[]> {
  const result = await runProbe(questions, options);
  if (result.ok) return readLines(result, questions.length);
  // Docker reports only the first of several mounts that fail.
  if (questions.length > 1) {
    const half = Math.ceil(questions.length / 2);
    return [
      ...(await probeSome(questions.slice(0, half), options)),
      ...(await probeSome(questions.slice(half), options)),
    ];
  }
  if (questions.length === 1) {
    // If the reason is not the mount, check that a container without one works.
    if (!matchesMessage('mount', result.stderr)) await probeSome([], options);
    return [''];
  }
  throw failure(result);
}

/** Return the final result: transient failures are retried, and images that lack a program are skipped. */
async function runProbe(questions: readonly Question[], options: ProbeOptions): Promise<DockerResult> {
  for (const image of [baseImage, ...options.images]) {
    const result = await runIn(image, questions, options);
    if (!lacksProgram(result)) return result;
  }
  await options.makeImage();
  return runIn(baseImage, questions, options);
}

const lacksProgram = ({ exitCode, stderr }: DockerResult) =>
  exitCode === missingProgramCode || matchesMessage('noImage', stderr) || matchesMessage('noProgram', stderr);

async function runIn(image: string, questions: readonly Question[], options: ProbeOptions) {
  const { docker, isRemapped } = options;
  const args = probeArgs(image, questions, isRemapped);
  for (let tried = 1; ; tried++) {
    const result = await docker(args, { timeout: timeoutMs, isMutation: true });
    const kind = result.ok ? 'docker' : classify(result);
    if (kind === 'docker') return result;
    if (kind !== 'transient' || tried >= maxTries) throw failure(result);
    await delay(retryDelayMs);
  }
}

function readLines(result: DockerResult, count: number): string[] {
  const found = result.stdout.split('\n').slice(0, -1);
  if (found.length !== count) throw failure({ ...result, ok: false, stderr: 'its output cannot be read' });
  return found;
}

const failure = (result: DockerResult) =>
  dockerError(result, { operation: 'look which files the Docker engine has' });
