import test from 'ava';
import { asStepError } from '../../../machines/step-error.ts';
import { classify, dockerError } from '../../../src/docker/classify-error.ts';
import type { DockerErrorKind } from '../../../src/docker/docker-error.ts';
import { isProgramMissing, matchesMessage, messageOf } from '../../../src/docker/messages.ts';

const failed = (stderr: string, more: object = {}) => ({
  ok: false,
  exitCode: 1,
  interrupted: null,
  stderr,
  ...more,
});

const table: readonly (readonly [DockerErrorKind, string])[] = [
  [
    'unreachable',
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
  ],
  [
    'unreachable',
    'failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct',
  ],
  ['unreachable', 'permission denied while trying to connect to the Docker daemon socket'],
  ['unreachable', 'error during connect: Get "http://docker/v1.24/info": EOF'],
  [
    'unreachable',
    "Error response from daemon: rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online.",
  ],
  [
    'unreachable',
    'Error response from daemon: rpc error: code = Unknown desc = raft: failed to process the request: node lost leader status',
  ],
  [
    'transient',
    'Error response from daemon: rpc error: code = DeadlineExceeded desc = context deadline exceeded',
  ],
  [
    'docker',
    "Error response from daemon: This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state.",
  ],
  ['gpu', 'Error response from daemon: could not select device driver "" with capabilities: [[gpu]]'],
  [
    'gpu',
    'runc create failed: error running hook #0: exit status 1, stderr: nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown',
  ],
  ['gpu', 'nvidia-container-cli: device error: 99: unknown device: unknown'],
  ['transient', 'error waiting: unexpected EOF'],
  ['transient', 'Error response from daemon: context deadline exceeded'],
  ['transient', 'Error response from daemon: removal of container abc is already in progress'],
  [
    'transient',
    'Error response from daemon: driver "overlay2" failed to remove root filesystem: device or resource busy',
  ],
  [
    'transient',
    'Error response from daemon: Get "https://registry/v2/": dial tcp: lookup registry: i/o timeout',
  ],
  [
    'transient',
    'Error response from daemon: failed to update store for object type *libnetwork.endpoint: open : no such file or directory',
  ],
  ['transient', 'toomanyrequests: You have reached your pull rate limit'],
  ['transient', 'OCI runtime exec failed: exec failed: Resource temporarily unavailable'],
  [
    'outOfResources',
    'Error response from daemon: could not find an available, non-overlapping IPv4 address pool among the defaults',
  ],
  ['outOfResources', 'Error response from daemon: all predefined address pools have been fully subnetted'],
  [
    'docker',
    'Error response from daemon: invalid mount config for type "bind": bind source path does not exist: /x',
  ],
  ['docker', 'unknown flag: --nonsense'],
  ['docker', 'Error response from daemon: No such image: nothing:1'],
  ['outOfResources', 'no space left on device'],
];

for (const [kind, text] of table)
  test(`"${text.slice(0, 70)}" is classified as ${kind}, in any case`, t => {
    t.is(classify(failed(text)), kind);
    t.is(classify(failed(text.toUpperCase())), kind);
  });

test('a call that timed out is transient, and its effect is in doubt', t => {
  const result = { ...failed('', { exitCode: null, interrupted: 'timeout' as const }), args: ['start', 'x'] };
  t.is(classify(result), 'transient');
  const error = dockerError(result, { operation: 'start the container' });
  t.true(error.inDoubt);
  t.like(error, { exitCode: null, interrupted: 'timeout', command: 'docker start x' });
  t.regex(error.message, /could not start the container: docker did not respond in time/);
});

test('an exec that lost its daemon exits with 255 and no stderr, and is transient', t => {
  t.is(classify(failed('', { exitCode: 255 })), 'transient');
  t.is(classify(failed('agent exited with 255', { exitCode: 255 })), 'docker');
});

test('an error of exec is read from stdout, where old engines print it', t => {
  const stdout = 'OCI runtime exec failed: fork: Resource temporarily unavailable';
  t.is(classify({ ...failed('', { exitCode: 126 }), stdout }), 'transient');
  t.is(classify({ ...failed('', { exitCode: 1 }), stdout }), 'docker');
});

test("a message has the operation, the daemon's reason without its preamble, and a hint", t => {
  const error = dockerError(
    {
      ...failed('Error response from daemon: no space left on device'),
      args: ['create', '--name=x', 'secret'],
    },
    { operation: 'create the container' },
  );
  t.is(
    error.message,
    'could not create the container: no space left on device. Free some space: docker system df shows what takes it',
  );
  t.is(error.command, 'docker create --name=x');
  t.is(error.kind, 'outOfResources');
  t.false(error.inDoubt);
});

test('the error of an engine without GPUs has the hint once', t => {
  const stderr =
    'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]]';
  const error = dockerError(
    { ...failed(stderr), args: ['start', 'x'] },
    { operation: 'start the container' },
  );
  t.is(error.kind, 'gpu');
  t.false(error.inDoubt);
  t.regex(
    error.message,
    /^could not start the container: could not select device driver.*NVIDIA Container Toolkit/,
  );
});

test('an unknown failure takes the fallback kind', t => {
  const result = { ...failed('manifest unknown'), args: ['pull', 'x'] };
  t.is(dockerError(result).kind, 'docker');
  t.is(dockerError(result, { fallbackKind: 'transient' }).kind, 'transient');
  t.is(asStepError(dockerError(result), { fallbackKind: 'image' }).kind, 'image');
  const refused = dockerError({ ...result, stderr: 'i/o timeout' }, { operation: 'pull' });
  t.is(asStepError(refused, { fallbackKind: 'image' }).kind, 'transient');
});

test('a warning of the client about its configuration is ignored', t => {
  const warning = 'WARNING: Error parsing config file (/home/me/.docker/config.json): EOF\n';
  const result = {
    ...failed(`${warning}Error response from daemon: invalid reference format\n`),
    args: ['create'],
  };
  t.is(classify(result), 'docker');
  t.is(
    dockerError(result, { operation: 'create it' }).message,
    'could not create it: invalid reference format',
  );
  t.is(classify(failed(`${warning}unknown flag: --x`)), 'docker');
  t.is(classify(failed(warning, { exitCode: 137 })), 'transient');
});

test('the error of an engine without docker-init has a hint', t => {
  const text = 'Error response from daemon: exec: "docker-init": executable file not found in $PATH';
  const { kind, message } = dockerError({ ...failed(text), args: ['start'] }, { operation: 'start it' });
  t.is(kind, 'docker');
  t.regex(message, /Install docker-init on the engine's host/);
});

test('every line of an unknown error is kept, except pointers to help', t => {
  const message = (stderr: string) =>
    dockerError({ ...failed(stderr), args: ['create'] }, { operation: 'create it' }).message;
  t.is(
    message('first\nError: second\n\nthe reason, unknown so far\n'),
    'could not create it: first\nError: second\nthe reason, unknown so far',
  );
  for (const pointer of [
    "See 'docker run --help'.",
    "Run 'docker run --help' for more information",
    "See 'docker network create --help'.",
    'Error: failed to start containers: c0ffee',
    'exit status 1',
  ])
    t.is(
      message(`docker: Error response from daemon: why.\n\n${pointer}\n`),
      'could not create it: why.',
      pointer,
    );
  // A pointer within another line is kept.
  const quoted = "the step printed: See 'docker run --help'. Then it ended";
  t.is(message(quoted), `could not create it: ${quoted}`);
});

test('the beginning and the end of a very long message are kept', t => {
  const words = messageOf(`begins ${'x'.repeat(100_000)} ends`);
  t.true(words.length < 1_100);
  t.regex(words, /^begins x+ … x+ ends$/);
});

test('control sequences in quoted text are removed', t => {
  t.is(messageOf('\x1b[31mred\x1b[0m\x07 \u202eturned'), 'red turned');
});

/** Messages of engines by the pattern that matches them. */
const messages: Readonly<Record<Parameters<typeof matchesMessage>[0], readonly string[]>> = {
  endpointExists: [
    'Error response from daemon: endpoint with name a already exists in network b',
    'Error response from daemon: container c0ffee is already connected to network b',
  ],
  noContainer: [
    'Error: No such container: c0ffee',
    'Error response from daemon: No such container: c0ffee',
    'Error: No such object: c0ffee',
    'error: no such object: c0ffee',
    'Error response from daemon: no container with name or ID "c0ffee" found: no such container',
    'Error response from daemon: No such container: c0ffee\nError: failed to start containers: c0ffee',
  ],
  noImage: [
    'Error: No such image: debian:none',
    'Error response from daemon: no such image: debian:none: No such image: debian:none',
    'Error response from daemon: No such image: debian:none',
    "Unable to find image 'debian:none' locally",
    'Error response from daemon: debian:none: image not known',
  ],
  noNetwork: [
    'Error: No such network: mine',
    'Error response from daemon: network mine not found',
    'Error response from daemon: failed to set up container networking: network mine not found',
    'Error response from daemon: unable to find network with name or ID mine: network not found',
  ],
  noPath: [
    'Error response from daemon: Could not find the file /workspace/a b in container c0ffee',
    'Error: No such container:path: c0ffee:/workspace/a',
    'Error response from daemon: "/a" could not be found on container c0ffee: no such file or directory',
  ],
  mount: [
    'docker: Error response from daemon: invalid mount config for type "bind": bind source path does not exist: /x.',
    'Error response from daemon: statfs /x: no such file or directory',
    'Error response from daemon: Mounts denied: the path /x is not shared from the host',
    "Error response from daemon: error while creating mount source path '/x': mkdir /x: read-only file system",
  ],
  notRunning: [
    'Error response from daemon: Container c0ffee is not running',
    'Error response from daemon: container c0ffee is not running',
    'Error response from daemon: can only create exec sessions on running containers: container state improper',
  ],
  nameTaken: [
    'Error response from daemon: Conflict. The container name "/a" is already in use by container "c0ffee". You have to remove (or rename) that container to be able to reuse that name.',
  ],
  noService: [
    'Error response from daemon: service mine not found',
    'Error: no such service: mine',
    'no such service: mine',
  ],
  swarmNameTaken: [
    'Error response from daemon: rpc error: code = AlreadyExists desc = name conflicts with an existing object: service mine already exists',
    'Error response from daemon: rpc error: code = Unknown desc = name conflicts with an existing object',
  ],
  networkExists: [
    'Error response from daemon: network with name mine already exists',
    'Error response from daemon: network name mine already used: network already exists',
  ],
  noVolume: [
    'Error response from daemon: get gone: no such volume',
    'Error: No such volume: gone',
    'Error: no volume with name "gone" found: no such volume',
  ],
  volumeBusy: [
    'Error response from daemon: remove busy: volume is in use - [c0ffee]',
    'Error response from daemon: volume busy is being used by the following container(s): c0ffee',
  ],
  networkBusy: [
    'Error response from daemon: error while removing network: network mine id c0ffee has active endpoints',
    'Error response from daemon: "mine" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used',
  ],
  networkHasTask: [
    'Error response from daemon: rpc error: code = FailedPrecondition desc = network c0ffee is in use by task c0ffee',
    'Error response from daemon: rpc error: code = FailedPrecondition desc = network c0ffee is in use by service c0ffee',
  ],
  imageBusy: [
    'Error response from daemon: conflict: unable to remove repository reference "a" (must force) - container c0ffee is using its referenced image 1234',
    'Error response from daemon: conflict: unable to delete c0ffee (cannot be forced) - image has dependent child images',
    'Error response from daemon: image used by c0ffee: image is in use by a container: consider listing external containers and force-removing image',
  ],
  removing: ['Error response from daemon: removal of container c0ffee is already in progress'],
  noProgram: [
    'Error response from daemon: OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "agent-init": executable file not found in $PATH: unknown',
    'Error response from daemon: failed to create task for container: runc create failed: exec: "/x/agent-init": stat /x/agent-init: no such file or directory: unknown',
    'exec /bin/sh: exec format error',
    'Error response from daemon: crun: executable file `agent-init` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found',
  ],
  stuckTask: [
    `Error response from daemon: task ${'0123456789abcdef'.repeat(4)}: already exists`,
    'Error response from daemon: failed to start shim: mkdir /var/run/docker/x: file exists: unknown',
  ],
  logOptions: [
    'Error response from daemon: max-buffer-size option is only supported with "mode=non-blocking"',
  ],
  noSpace: ['failed to register layer: write /a: no space left on device'],
};
const names = Object.keys(messages) as (keyof typeof messages)[];

for (const name of names)
  test(`messages of engines match ${name} and nothing else`, t => {
    for (const stderr of messages[name]) {
      t.deepEqual(
        names.filter(other => matchesMessage(other, `WARNING: unrelated\n${stderr}\n`)),
        [name],
        stderr,
      );
    }
  });

for (const stderr of [
  'the configuration of network and volumes was not found in no such container of theirs',
  'the source /no such container/network not found/x is away',
  'docker: context "gone": context not found: open /c/meta.json: no such file or directory',
  'cannot read /home/me/no such image: permission denied',
  'docker-credential-x: executable file not found in $PATH',
])
  test(`a fragment of another text does not match: ${stderr.slice(0, 60)}`, t => {
    t.deepEqual(
      names.filter(name => matchesMessage(name, stderr)),
      [],
    );
  });

test('a missing program is recognized by its name', t => {
  const [runc, , , crun] = messages.noProgram;
  for (const stderr of [runc!, crun!]) {
    t.true(isProgramMissing('agent-init', stderr));
    t.false(isProgramMissing('docker-init', stderr));
  }
});

test('quoted text, such as a volume name, does not affect the kind of a failure', t => {
  for (const name of ['i/o timeout', 'unexpected EOF', 'no space left on device', 'is paused'])
    t.is(classify(failed(`Error response from daemon: volume "${name}" has no driver`)), 'docker', name);
});

test('a missing service is recognized in the words of each command, and a taken name', t => {
  for (const missing of [
    'Error response from daemon: service nosuch not found',
    'no such service: nosuch',
    'Error: no such service: nosuch',
  ])
    t.true(matchesMessage('noService', missing), missing);
  t.false(matchesMessage('noService', 'Error response from daemon: network x not found'));
  const taken =
    'Error response from daemon: rpc error: code = AlreadyExists desc = name conflicts with an existing object: service n1 already exists';
  t.true(matchesMessage('swarmNameTaken', taken));
  t.false(matchesMessage('swarmNameTaken', 'Error response from daemon: service n1 not found'));
});
