import type { FailureKind } from '../../machines/outcome.ts';
import { StepError } from '../../machines/step-error.ts';
import { plainText } from '../views/text.ts';
import type { CallEnd } from './recorder.ts';

/**
 * The one place that reads docker's error texts. They change between versions, so each class matches several
 * fragments, case-insensitively; what no row knows is permanent.
 */
const classes: readonly (readonly [FailureKind, RegExp])[] = [
  // First, since they quote what people wrote: a Dockerfile, a path, a name may hold the words of any other row.
  ['docker', /returned a non-zero code: \d|did not complete successfully: exit code|dockerfile parse error/i],
  ['docker', /unable to prepare context|invalid reference format|invalid mount config|no such image/i],
  ['docker', /executable file not found|unable to find user/i],
  [
    'unreachable',
    /cannot connect to the docker daemon|failed to connect to the docker api|error during connect/i,
  ],
  ['unreachable', /permission denied while trying to connect/i],
  ['gpu', /could not select device driver|nvidia-container-(cli|runtime)|unresolvable cdi devices/i],
  [
    'exhausted',
    /no space left on device|non-overlapping ipv4 address pool|predefined address pools have been fully subnetted/i,
  ],
  ['transient', /unexpected eof|(: |^)eof\s*$|client\.timeout exceeded|context deadline exceeded/im],
  ['transient', /removal of container .* is already in progress|is marked for removal|is restarting/i],
  [
    'transient',
    /is paused|paused container|port is already allocated|is ambiguous|matches found based on name/i,
  ],
  // What a daemon says that is ending, and has closed its store.
  ['transient', /failed to update store for object type|database not open/i],
  ['transient', /unable to remove filesystem|device or resource busy|failed to remove root filesystem/i],
  [
    'transient',
    /dial tcp|i\/o timeout|tls handshake timeout|network is unreachable|connection re(fused|set)/i,
  ],
  [
    'transient',
    /toomanyrequests|too many requests|50[0234] (internal|bad|service|gateway)|status( code)?[^:\n]*:? 5\d\d/i,
  ],
  [
    'transient',
    /resource temporarily unavailable|too many open files|cannot allocate memory|\b(EAGAIN|E[MN]FILE)\b/i,
  ],
];

export function classify(answer: CallEnd & { stdout?: string }): FailureKind {
  if (answer.cutOff === 'timeout') return 'transient';
  // A client that was ended by a signal says nothing, nor does an exec whose process was (137), or that lost its daemon (255).
  const stderr = withoutWarnings(answer.stderr);
  const silent = stderr === '' && [null, 130, 137, 143, 255].includes(answer.exitCode);
  if (silent && !answer.ok && answer.cutOff === null) return 'transient';
  const said = kindOf(stderr);
  if (said !== null) return said;
  const printed = `${answer.printed ?? ''}\n${answer.exitCode === 126 || answer.exitCode === 127 ? (answer.stdout ?? '') : ''}`;
  const kind = kindOf(printed);
  if (answer.printed === undefined) return kind ?? 'docker';
  // A container may print any words: at most they are worth another try. An engine that was away is back by now.
  return kind === 'transient' || kind === 'unreachable' ? 'transient' : 'docker';
}

const kindOf = (text: string) => classes.find(([, pattern]) => pattern.test(text))?.[0] ?? null;

/** The container has no process any more, or is gone; the second wording is Podman's. */
export const saysOver = (stderr: string): boolean =>
  /no such container|is not running|can only create exec sessions on running containers/i.test(stderr);

/** Another container has the name. */
export const saysNameTaken = (stderr: string): boolean =>
  /conflict\. the container name|container name .* is already in use by/i.test(stderr);

export interface DockerFailure {
  /** What we were about, for people: `create the container`. */
  readonly doing: string;
  readonly at: number;
  /** What a failure of no known class is; `docker` where nothing is said. */
  readonly otherwise?: FailureKind;
}

export function dockerError(
  answer: CallEnd & {
    args: readonly string[];
    stdout?: string;
  },
  { doing, at, otherwise = 'docker' }: DockerFailure,
): StepError {
  const known = classify(answer);
  const kind = known === 'docker' ? otherwise : known;
  const said =
    answer.cutOff === 'timeout'
      ? 'docker did not answer in time'
      : wordsOf(answer.stderr) || wordsOf(answer.printed || answer.stdout || '');
  const then = mend(kind, answer.stderr);
  const what = said || `docker exited with ${answer.exitCode}`;
  const message = `could not ${doing}: ${then === '' ? what : what.replace(/\.$/, '') + then}`;
  return new StepError(kind, message, {
    at,
    command: `docker ${answer.args.slice(0, 2).join(' ')}`,
    uncertain: answer.cutOff !== null || kind === 'transient' || /error during connect/i.test(answer.stderr),
    ...(answer.exitCode === null ? {} : { exitCode: answer.exitCode }),
  });
}

/** Docker says that it has done it, and not what it says where it has. */
export const unsaid = (command: string, doing: string, at: number) =>
  new StepError('transient', `could not ${doing}: docker says that it has, but its answer cannot be read`, {
    at,
    command,
    uncertain: true,
  });

/** A warning is no reason: a client whose config.json is empty writes `WARNING: Error parsing config file (…): EOF` each time. */
export const withoutWarnings = (stderr: string) => stderr.replace(/^WARNING: .*\n?/gm, '').trim();

/**
 * Return what docker said, whole, without its preamble and its pointers to help: which line of somebody's text gives the
 * reason is not for us to know. Of a text that is long, its beginning and its end.
 */
export function wordsOf(text: string): string {
  const lines = withoutWarnings(plainText(text))
    .split('\n')
    .map(line => line.trim().replace(preamble, ''))
    .filter(line => line !== '' && !pointer.test(line));
  return bounded(lines.join('\n'));
}

const preamble = /^(docker: )?Error response from daemon: /i;
/** Whole lines of docker's own that say nothing of the reason. */
const pointer =
  /^(See|Run) '?docker( [\w-]+)* --help'?( for more information)?\.?$|^Error: failed to start containers: \S+$/;

const bounded = (words: string) =>
  words.length <= 1_000 ? words : `${words.slice(0, 700)} … ${words.slice(-300)}`;

function mend(kind: FailureKind, text: string): string {
  if (/no space left on device/i.test(text)) return '. Free some space: docker system df shows what takes it';
  if (/address pool/i.test(text)) return '. Remove networks that nobody uses: docker network prune';
  if (/"docker-init": executable file not found/.test(text))
    return '. Install docker-init on the engine’s host; Debian has it in the package tini';
  if (kind === 'gpu')
    return '. Install the NVIDIA driver and the NVIDIA Container Toolkit on the engine’s host and restart Docker, or take "gpus" out of the spec';
  if (/permission denied while trying to connect/i.test(text))
    return '. Add yourself to the docker group, or use sudo';
  return '';
}
