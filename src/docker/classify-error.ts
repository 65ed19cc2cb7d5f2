import { DockerError, type DockerErrorKind } from './docker-error.ts';
import { matchesMessage, messageOf, withoutWarnings } from './messages.ts';
import type { CallEnd } from './recorder.ts';

/**
 * Docker's error texts change between versions, so each class matches several fragments, case-insensitively. A text of no
 * class is a permanent failure.
 */
const classes: readonly (readonly [DockerErrorKind, RegExp])[] = [
  // First, since they quote the user's text: a Dockerfile, a path or a name may contain the text of any other row.
  ['docker', /returned a non-zero code: \d|did not complete successfully: exit code|dockerfile parse error/i],
  ['docker', /unable to prepare context|invalid reference format|invalid mount config|no such image/i],
  ['docker', /executable file not found|unable to find user/i],
  [
    'unreachable',
    /cannot connect to the docker daemon|failed to connect to the docker api|error during connect/i,
  ],
  ['unreachable', /permission denied while trying to connect/i],
  // A Swarm with too few managers for a decision.
  ['unreachable', /the swarm does not have a leader|node lost leader status/i],
  ['gpu', /could not select device driver|nvidia-container-(cli|runtime)|unresolvable cdi devices/i],
  [
    'outOfResources',
    /no space left on device|non-overlapping ipv4 address pool|predefined address pools have been fully subnetted/i,
  ],
  ['transient', /unexpected eof|(: |^)eof\s*$|client\.timeout exceeded|context deadline exceeded/im],
  ['transient', /removal of container .* is already in progress|is marked for removal|is restarting/i],
  [
    'transient',
    /is paused|paused container|port is already allocated|is ambiguous|matches found based on name/i,
  ],
  // A ping that ssh has lost makes docker take the engine for one of the oldest version that it knows.
  ['transient', /client version \S+ is too new|kex_exchange_identification/i],
  // From a daemon that is shutting down and has closed its store.
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

export function classify(result: CallEnd & { stdout?: string }): DockerErrorKind {
  if (result.interrupted === 'timeout') return 'transient';
  // Empty stderr: the client was ended by a signal, or an exec lost its process (137) or its daemon (255).
  const stderr = withoutWarnings(result.stderr);
  const silent = stderr === '' && [null, 130, 137, 143, 255].includes(result.exitCode);
  if (silent && !result.ok && result.interrupted === null) return 'transient';
  const known = kindOf(stderr);
  if (known !== null) return known;
  const printed = `${result.printed ?? ''}\n${result.exitCode === 126 || result.exitCode === 127 ? (result.stdout ?? '') : ''}`;
  const kind = kindOf(printed);
  if (result.printed === undefined) return kind ?? 'docker';
  // A container may print anything, so its output allows a retry at most (I8). The engine is reachable, since it gave a
  // reason.
  return kind === 'transient' || kind === 'unreachable' ? 'transient' : 'docker';
}

/** Quoted text is a name that a user chose, and may contain any text. */
const kindOf = (text: string) => {
  const unquoted = text.replace(/"[^"\n]*"/g, '""');
  return classes.find(([, pattern]) => pattern.test(unquoted))?.[0] ?? null;
};

export interface DockerFailure {
  /** For messages: `create the container`. Default: `run docker VERB`. */
  readonly operation?: string;
  /** The kind of a failure of no known class. Default: `docker`. */
  readonly fallbackKind?: 'docker' | 'transient';
}

export function dockerError(
  result: CallEnd & {
    args: readonly string[];
    stdout?: string;
  },
  { operation = `run docker ${result.args[0]}`, fallbackKind = 'docker' }: DockerFailure = {},
): DockerError {
  const known = classify(result);
  const kind = known === 'docker' ? fallbackKind : known;
  const message =
    result.interrupted === 'timeout'
      ? 'docker did not respond in time'
      : messageOf(result.stderr) || messageOf(result.printed || result.stdout || '');
  const hintText = hint(kind, result.stderr);
  const problem = message || `docker exited with ${result.exitCode}`;
  const reason = hintText === '' ? problem : problem.replace(/\.$/, '') + hintText;
  return new DockerError(kind, `could not ${operation}: ${reason}`, {
    reason,
    command: `docker ${result.args.slice(0, 2).join(' ')}`,
    inDoubt:
      result.interrupted !== null || kind === 'transient' || /error during connect/i.test(result.stderr),
    exitCode: result.exitCode,
    stderr: result.stderr,
    interrupted: result.interrupted,
  });
}

/** Return the error for a success of docker without the output that proves it. */
export const unreadableOutput = (
  { args, exitCode, stderr }: CallEnd & { args: readonly string[] },
  operation: string,
) =>
  new DockerError(
    'transient',
    `could not ${operation}: docker reports success, but its output cannot be read`,
    { command: `docker ${args[0]}`, exitCode, stderr, inDoubt: true },
  );

function hint(kind: DockerErrorKind, text: string): string {
  if (matchesMessage('noSpace', text)) return '. Free some space: docker system df shows what takes it';
  if (/address pool/i.test(text)) return '. Remove unused networks: docker network prune';
  if (/attaching to network failed/i.test(text))
    return '. The network may have no free address: docker swarm init --default-addr-pool-mask-length sets the size of the networks of a Swarm';
  if (/"docker-init": executable file not found/.test(text))
    return ". Install docker-init on the engine's host; Debian has it in the package tini";
  if (kind === 'gpu')
    return '. Install the NVIDIA driver and the NVIDIA Container Toolkit on the engine\'s host and restart Docker, or take "gpus" out of the spec';
  if (/permission denied while trying to connect/i.test(text))
    return '. Add yourself to the docker group, or use sudo';
  return '';
}
