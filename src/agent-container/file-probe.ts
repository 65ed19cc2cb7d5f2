import { setTimeout as delay } from 'node:timers/promises';
import type { Docker, DockerAnswer } from '../docker/cli.ts';
import { classify, dockerError, matchesMessage } from '../docker/errors.ts';
import { flags, label } from '../docker/labels.ts';
import { baseImage } from '../images/base.ts';
import { mountFlag } from './create-args.ts';

/**
 * What a container reports of a path that is mounted into it. `identity`: the running kernel, the device and inode
 * numbers, and where in it something else is mounted, as `/proc/self/mountinfo` spells it. `content`: the SHA-256 digest of a file, or of the list of a directory. `file`: the text of this file in it.
 */
type Look = 'identity' | 'content' | { readonly file: string };

export interface Question {
  readonly path: string;
  readonly look: Look;
}

export interface ProbeOptions {
  readonly docker: Docker;
  /** Images to take where the engine does not have the base image yet. Their programs may do. */
  readonly images: readonly string[];
  /** Makes the base image, where none of the images is there and does. */
  readonly makeImage: () => Promise<unknown>;
  /** The engine maps the users of its containers to others of the host. */
  readonly isRemapped: boolean;
}

/** Of one container. */
const maxMounts = 64;
const maxTries = 3;
const retryDelayMs = 1_000;
const timeoutMs = 60_000;

/** The exit code of the script in an image that lacks a program. */
const unfitCode = 70;

/**
 * A shell script that prints one line for each look among its arguments, at the paths `FOLDER/0`, `FOLDER/1` and so on.
 * The list of a directory: its own time and those of its entries, and sizes of all but directories.
 */
export const probeScript = (folder: string, bootId: string) => `export LC_ALL=C
for program in stat sha256sum cut head tr sort; do command -v $program >/dev/null || exit ${unfitCode}; done
find / -maxdepth 0 -printf '' || exit ${unfitCode}
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
  // It reads no more than which file it is, which SELinux would refuse.
  '--security-opt=label=disable',
  '--pids-limit=64',
  ...(isRemapped ? ['--userns=host'] : []),
  ...questions.map(({ path }, index) =>
    mountFlag({ type: 'bind', source: path, target: `/files/${index}`, readonly: 'true' }),
  ),
  ...flags({ [label.role]: 'probe' }),
  '--entrypoint=sh',
  '--',
  image,
  '-c',
  probeScript('/files', '/proc/sys/kernel/random/boot_id'),
  'probe',
  ...questions.map(({ look }) => (typeof look === 'string' ? look : look.file)),
];

/**
 * Mount paths as the mounts of agents are and return what a container finds there, in the order of the questions; an
 * empty text where the engine has no such path. Throws a `DockerError` where the engine runs no container at all.
 */
export async function probeFiles(questions: readonly Question[], options: ProbeOptions): Promise<string[]> {
  const found: string[] = [];
  for (let from = 0; from < questions.length; from += maxMounts)
    found.push(...(await probeSome(questions.slice(from, from + maxMounts), options)));
  return found;
}

async function probeSome(questions: readonly Question[], options: ProbeOptions): Promise<string[]> {
  const answer = await runProbe(questions, options);
  if (answer.ok) return readLines(answer, questions.length);
  // Of several mounts docker reports the first that fails.
  if (questions.length > 1) {
    const half = Math.ceil(questions.length / 2);
    return [
      ...(await probeSome(questions.slice(0, half), options)),
      ...(await probeSome(questions.slice(half), options)),
    ];
  }
  if (questions.length === 1) {
    // Unless the reason is the mount itself, a container without one has to work.
    if (!matchesMessage('mount', answer.stderr)) await probeSome([], options);
    return [''];
  }
  throw failure(answer);
}

/** Resolves with an answer that is final: what passes is tried again, and an image that does not do is passed over. */
async function runProbe(questions: readonly Question[], options: ProbeOptions): Promise<DockerAnswer> {
  for (const image of [baseImage, ...options.images]) {
    const answer = await runIn(image, questions, options);
    if (!isUnfit(answer)) return answer;
  }
  await options.makeImage();
  return runIn(baseImage, questions, options);
}

const isUnfit = ({ exitCode, stderr }: DockerAnswer) =>
  exitCode === unfitCode || matchesMessage('noImage', stderr) || matchesMessage('noProgram', stderr);

async function runIn(image: string, questions: readonly Question[], options: ProbeOptions) {
  const { docker, isRemapped } = options;
  const args = probeArgs(image, questions, isRemapped);
  for (let tried = 1; ; tried++) {
    const answer = await docker(args, { timeout: timeoutMs, changes: true });
    const kind = answer.ok ? 'docker' : classify(answer);
    if (kind === 'docker') return answer;
    if (kind !== 'transient' || tried >= maxTries) throw failure(answer);
    await delay(retryDelayMs);
  }
}

function readLines(answer: DockerAnswer, count: number): string[] {
  const found = answer.stdout.split('\n').slice(0, -1);
  if (found.length !== count) throw failure({ ...answer, ok: false, stderr: 'its output cannot be read' });
  return found;
}

const failure = (answer: DockerAnswer) =>
  dockerError(answer, { operation: 'look which files the Docker engine has' });
