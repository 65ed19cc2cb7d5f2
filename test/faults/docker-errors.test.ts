import { classify } from '../../src/docker/classify-error.ts';
import type { DockerErrorKind } from '../../src/docker/docker-error.ts';
import { cell } from './tally.ts';

/**
 * Block C: error messages of docker, old and new, row by row of the catalogue. `transient` is retried, `unreachable`
 * waits for the engine, and the rest is reported to the user.
 */
interface ErrorOutput {
  readonly kind: DockerErrorKind;
  /** The exit code; null for a client that was killed. */
  readonly code?: number | null;
  readonly stderr?: string;
  readonly stdout?: string;
}

const daemon = (text: string) => `Error response from daemon: ${text}`;
const rows: Readonly<Record<string, readonly ErrorOutput[]>> = {
  'the engine is missing': [
    {
      kind: 'unreachable',
      stderr: 'Cannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon running?',
    },
    {
      kind: 'unreachable',
      code: 125,
      stderr:
        'docker: Cannot connect to the Docker daemon at tcp://box:2375. Is the docker daemon running?.\nSee ‘docker run --help’.',
    },
    {
      kind: 'unreachable',
      stderr:
        'failed to connect to the docker API at unix:///run/docker.sock; check if the path is correct and if the daemon is running: dial unix /run/docker.sock: connect: no such file or directory',
    },
  ],
  'the user has no access to the engine': [
    {
      kind: 'unreachable',
      stderr:
        'Got permission denied while trying to connect to the Docker daemon socket at unix:///run/docker.sock: Get "http://x": dial unix /run/docker.sock: connect: permission denied',
    },
    {
      kind: 'unreachable',
      stderr: 'permission denied while trying to connect to the docker API at unix:///run/docker.sock',
    },
  ],
  'the connection broke': [
    { kind: 'transient', stderr: 'unexpected EOF' },
    { kind: 'transient', stderr: daemon('unexpected EOF') },
    { kind: 'transient', stderr: 'Post "http://docker/v1.41/containers/create": EOF' },
    { kind: 'transient', stderr: 'EOF\n' },
    {
      kind: 'unreachable',
      stderr: 'error during connect: Post "http://docker/v1.41/containers/create": EOF',
    },
    {
      kind: 'transient',
      stderr: 'net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
    },
    { kind: 'transient', code: 125, stderr: daemon('context deadline exceeded') },
  ],
  'the client was killed or lost its engine, without output': [
    { kind: 'transient', code: null },
    { kind: 'transient', code: 130 },
    { kind: 'transient', code: 137 },
    { kind: 'transient', code: 143 },
    { kind: 'transient', code: 255 },
  ],
  'the versions of client and engine are incompatible': [
    // Docker guesses this if ssh has lost its first request.
    {
      kind: 'transient',
      stderr: daemon('client version 1.52 is too new. Maximum supported API version is 1.41'),
    },
    {
      kind: 'transient',
      stderr: 'kex_exchange_identification: Connection closed by remote host',
    },
    {
      kind: 'docker',
      stderr: daemon('client version 1.12 is too old. Minimum supported API version is 1.24, please upgrade'),
    },
  ],
  'the disk is full': [
    { kind: 'outOfResources', stderr: daemon('write /var/lib/docker/tmp: no space left on device') },
    {
      kind: 'outOfResources',
      code: 125,
      stderr: `docker: ${daemon('mkdir /var/lib/docker/overlay2/x: no space left on device.')}`,
    },
  ],
  'the call is invalid': [
    { kind: 'docker', code: 125, stderr: 'unknown flag: --nonsense\nSee ‘docker create --help’.' },
    { kind: 'docker', code: 125, stderr: 'invalid argument "x" for "--cpus" flag: not a number' },
    { kind: 'docker', stderr: '"docker start" requires at least 1 argument.' },
    { kind: 'docker', stderr: "docker: 'docker start' requires at least 1 argument" },
    { kind: 'docker', stderr: 'the input device is not a TTY' },
  ],
  'no process can be started': [
    { kind: 'docker', code: null, stderr: 'spawn docker ENOENT' },
    { kind: 'docker', code: null, stderr: 'spawn E2BIG' },
    { kind: 'transient', code: null, stderr: 'spawn docker EAGAIN' },
    { kind: 'transient', code: null, stderr: 'spawn docker EMFILE' },
    { kind: 'transient', stderr: 'fork/exec /usr/bin/runc: resource temporarily unavailable' },
    { kind: 'transient', stderr: daemon('open /proc/self/fd: too many open files') },
    { kind: 'transient', stderr: daemon('fork/exec /usr/bin/containerd-shim: cannot allocate memory') },
  ],
  'a step of a build fails, whatever its output': [
    {
      kind: 'docker',
      code: 2,
      stderr: "The command '/bin/sh -c make' returned a non-zero code: 2",
    },
    {
      kind: 'docker',
      code: 137,
      stderr: "The command '/bin/sh -c curl -m 1 x # i/o timeout' returned a non-zero code: 137",
    },
    {
      kind: 'docker',
      code: 127,
      stderr: "The command '/bin/sh -c nothing' returned a non-zero code: 127",
      stdout: 'connection refused',
    },
    {
      kind: 'docker',
      stderr:
        'ERROR: failed to solve: process "/bin/sh -c curl x || echo dial tcp" did not complete successfully: exit code: 6',
    },
    { kind: 'docker', stderr: 'dockerfile parse error on line 3: unterminated heredoc: EOF' },
    {
      kind: 'docker',
      stderr: daemon('dockerfile parse error line 2: unknown instruction: FORM'),
    },
    { kind: 'docker', stderr: 'unable to prepare context: path "/eof" not found' },
    { kind: 'docker', code: 125, stderr: 'invalid argument "A:B" for "-t": invalid reference format' },
    {
      kind: 'docker',
      stderr: 'ERROR: BuildKit is enabled but the buildx component is missing or broken.',
    },
  ],
  'a registry cannot be reached': [
    'dial tcp: lookup registry.invalid: no such host',
    'dial tcp 10.0.0.1:443: i/o timeout',
    'net/http: TLS handshake timeout',
    'dial tcp 10.0.0.1:443: connect: network is unreachable',
    'dial tcp 10.0.0.1:443: connect: connection refused',
    'read tcp 10.0.0.2:5->10.0.0.1:443: read: connection reset by peer',
    'toomanyrequests: You have reached your pull rate limit.',
    'received unexpected HTTP status: 500 Internal Server Error',
    'received unexpected HTTP status: 502 Bad Gateway',
    'received unexpected HTTP status: 503 Service Unavailable',
    'received unexpected HTTP status: 504 Gateway Timeout',
    'unexpected status from GET request to https://registry.invalid/v2/: 429 Too Many Requests',
    'unexpected status code [manifests latest]: 521',
  ].map(text => ({ kind: 'transient' as const, stderr: daemon(text) })),
  'a registry has no such image': [
    'manifest for x:1 not found: manifest unknown: manifest unknown',
    'pull access denied for x, repository does not exist or may require ‘docker login’: denied',
    'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    'failed to resolve reference "x:1": x:1: not found',
    'unauthorized: authentication required',
  ].map(text => ({ kind: 'docker' as const, stderr: daemon(text) })),
  'a network': [
    { kind: 'docker', stderr: daemon('network with name agents already exists') },
    { kind: 'transient', stderr: daemon('network agents is ambiguous (2 matches found on name)') },
    { kind: 'transient', stderr: daemon('2 matches found based on name: network agents is ambiguous') },
    {
      kind: 'outOfResources',
      stderr: daemon(
        'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
      ),
    },
    { kind: 'outOfResources', stderr: daemon('all predefined address pools have been fully subnetted') },
    { kind: 'docker', stderr: daemon('Pool overlaps with other one on this address space') },
    { kind: 'docker', stderr: daemon('network agents not found') },
  ],
  'a create': [
    {
      kind: 'docker',
      stderr: daemon(
        'Conflict. The container name "/eof" is already in use by container "c0ffee". You have to remove (or rename) that container to be able to reuse that name.',
      ),
    },
    { kind: 'docker', stderr: daemon('No such image: eof:latest') },
    {
      kind: 'docker',
      stderr: daemon(
        'invalid mount config for type "bind": bind source path does not exist: /is restarting/EOF',
      ),
    },
    {
      kind: 'docker',
      stderr: daemon('Invalid container name (a b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'),
    },
    { kind: 'docker', stderr: daemon('Minimum memory limit allowed is 6MB') },
    {
      kind: 'docker',
      stderr: daemon('Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'),
    },
    { kind: 'docker', stderr: daemon('Duplicate mount point: /workspace') },
  ],
  'a start': [
    {
      kind: 'docker',
      code: 127,
      stderr: daemon(
        'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "eof": executable file not found in $PATH: unknown',
      ),
    },
    {
      kind: 'docker',
      stderr: daemon('OCI runtime create failed: exec: "/x": stat /x: no such file or directory: unknown'),
    },
    {
      kind: 'docker',
      code: 126,
      stderr: daemon('OCI runtime create failed: exec: "/x": permission denied: unknown'),
    },
    { kind: 'docker', stderr: daemon('unable to find user eof: no matching entries in passwd file') },
    {
      kind: 'transient',
      stderr: daemon('Bind for 0.0.0.0:80 failed: port is already allocated'),
    },
    {
      kind: 'transient',
      stderr: daemon('container is marked for removal and cannot be started'),
    },
    { kind: 'transient', stderr: daemon('cannot start a paused container, try unpause instead') },
    {
      kind: 'transient',
      stderr: daemon('Container c0ffee is restarting, wait until the container is running'),
    },
    {
      kind: 'gpu',
      stderr: daemon('could not select device driver "" with capabilities: [[gpu]]'),
    },
  ],
  'an exec': [
    { kind: 'docker', stderr: daemon('Container c0ffee is not running') },
    { kind: 'docker', stderr: daemon('can only create exec sessions on running containers') },
    {
      kind: 'transient',
      stderr: daemon('Container c0ffee is paused, unpause the container before exec'),
    },
    {
      kind: 'docker',
      code: 126,
      stdout:
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "x": executable file not found in $PATH: unknown',
    },
    {
      kind: 'docker',
      code: 127,
      stdout: 'OCI runtime exec failed: exec failed: exec: "x": no such file or directory: unknown',
    },
    {
      kind: 'transient',
      code: 126,
      stdout: 'OCI runtime exec failed: fork/exec /proc/self/exe: Resource temporarily unavailable: unknown',
    },
    { kind: 'docker', code: 1, stdout: 'the agent reports: Resource temporarily unavailable' },
    { kind: 'docker', code: 137, stderr: 'the agent was killed' },
  ],
  'a stop, a kill, a removal': [
    { kind: 'docker', stderr: daemon('No such container: c0ffee') },
    { kind: 'docker', stderr: daemon('Cannot kill container: c0ffee: Container c0ffee is not running') },
    { kind: 'transient', stderr: daemon('removal of container c0ffee is already in progress') },
    {
      kind: 'transient',
      stderr: daemon('container c0ffee: unable to remove filesystem: unlinkat /x: device or resource busy'),
    },
    {
      kind: 'transient',
      stderr: daemon('driver "overlay2" failed to remove root filesystem for c0ffee: unlinkat /x: busy'),
    },
    {
      kind: 'docker',
      stderr: daemon(
        'You cannot remove a running container c0ffee. Stop the container before attempting removal',
      ),
    },
    {
      kind: 'docker',
      stderr: daemon(
        'cannot remove container "x": container is running: stop the container before removing or force remove',
      ),
    },
    { kind: 'docker', stderr: daemon('conflict: unable to remove repository reference "x" (must force)') },
    { kind: 'docker', stderr: 'Error: no such object: c0ffee' },
    { kind: 'docker', stderr: 'error: no such object: "c0ffee"' },
  ],
};

for (const [row, outputs] of Object.entries(rows))
  for (const { kind, code = 1, stderr = '', stdout = '' } of outputs) {
    const words = (stderr || stdout || `no output and exit code ${code}`).trim();
    cell({ block: 'C', fault: row, title: `${row}: ${words} is ${kind}` }, t => {
      const result = { ok: false, exitCode: code, interrupted: null };
      t.is(classify({ ...result, stderr, stdout }), kind);
      t.is(classify({ ...result, stderr: stderr.toUpperCase(), stdout: stdout.toUpperCase() }), kind);
    });
  }

const timedOutTitle = 'a call that timed out may have been completed, whatever its output';
cell({ block: 'C', fault: 'timeout', title: timedOutTitle }, t => {
  t.is(classify({ ok: false, exitCode: null, interrupted: 'timeout', stderr: '' }), 'transient');
  t.is(
    classify({ ok: false, exitCode: null, interrupted: 'timeout', stderr: daemon('No such image') }),
    'transient',
  );
});
