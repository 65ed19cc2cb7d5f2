import type { Docker, DockerResult } from '../docker/cli.ts';
import { label } from '../docker/labels.ts';
import { filtersOf, hasLabels, labelsOf, optionsOf } from './docker-arguments.ts';
import {
  type Call,
  type Created,
  failure,
  inventId,
  type Recording,
  record,
  type Step,
  succeed,
} from './recording.ts';
import { recordNetwork } from './recording-networks.ts';

type Handler = (recording: Recording, call: Call) => DockerResult | Promise<DockerResult>;

export interface RecordingDocker {
  readonly docker: Docker;
  /** Return the containers that exist at this point of the recording. */
  readonly made: () => readonly Created[];
}

/** Return a docker that records each command that would change anything, and behaves as if it had been executed. */
export function recordingDocker(
  steps: Step[],
  names: Map<string, string>,
  real: Docker | null,
): RecordingDocker {
  const recording: Recording = {
    ...{ steps, names, real },
    images: new Map(),
    networks: new Map(),
    containers: new Map(),
  };
  return {
    docker: async (args, options = {}) => {
      const call = { args, options, last: args.at(-1)! };
      // A container finds out whether the engine has GPUs, and changes nothing.
      if (args.some(arg => arg.includes('tmux-agents-probe'))) return succeed(call);
      return (handlers[args[0]!] ?? recordOther)(recording, call);
    },
    made: () => [...recording.containers.values()],
  };
}

const recordImage: Handler = ({ steps, names, images }, call) => {
  const { args, last } = call;
  // The image is found by its tag: the file that the builder writes its id to is of no use.
  record(steps, call, { args: args.filter(arg => !arg.startsWith('--iidfile=')) });
  const name = args[0] === 'pull' ? last : optionsOf(args, 'tag')[0]!;
  const variable = `image_${images.size + 1}`;
  const id = inventId(names, variable);
  steps.push({
    agent: null,
    args: ['image', 'inspect', '--format={{.Id}}', '--', name],
    prints: variable,
  });
  images.set(name, { id, labels: labelsOf(args) });
  return succeed(call, id);
};

const recordCreate: Handler = ({ steps, names, containers }, call) => {
  const { args, options } = call;
  const labels = labelsOf(args);
  const role = labels[label.role];
  const [name = ''] = optionsOf(args, 'name');
  // A container without a role changes an image before it is used.
  if (role === undefined) {
    record(steps, call);
    return succeed(call);
  }
  const { scope } = options;
  const variable = scope ? `container_${scope.agent}_${scope.attempt}` : `${role}_${name.split('-').at(-1)}`;
  record(steps, call, { prints: variable });
  const id = inventId(names, variable);
  containers.set(id, { id, name, labels, networks: optionsOf(args, 'network'), image: imageOf(args) });
  return succeed(call, id);
};

const imageOf = (args: readonly string[]) => args[args.indexOf('--') + 1] ?? '';

/** Only proxies are looked for again, since agents share them. */
const inspectContainer: Handler = ({ containers, networks }, call) => {
  const found = [...containers.values()].filter(
    ({ name, labels }) => labels[label.role] === 'proxy' && call.args.includes(name),
  );
  return succeed(call, JSON.stringify(found.map(created => runningContainer(created, networks))));
};

const inspectImage: Handler = ({ images, real }, call) => {
  const planned = images.get(call.last);
  if (planned) return succeed(call, JSON.stringify([{ Id: planned.id, Config: { Labels: planned.labels } }]));
  return real ? real(call.args, call.options) : failure(call, 'Error: No such image');
};

const listContainers: Handler = ({ containers, networks }, call) => {
  const [filter] = filtersOf(call.args, 'network');
  const network = [...networks.values()].find(({ id }) => id === filter)?.name ?? '';
  const listed = [...containers.values()].filter(
    created =>
      hasLabels(created.labels, call.args) && (filter === undefined || created.networks.includes(network)),
  );
  const rows = listed.map(({ id, name }) =>
    JSON.stringify({ ID: id, State: 'exited', Names: name, Labels: '' }),
  );
  return succeed(call, rows.join('\n'));
};

/** The proxy makes its certificate when it starts. */
const unknownCertificate =
  '-----BEGIN CERTIFICATE-----\nthe+certificate+of+the+proxy\n-----END CERTIFICATE-----\n';

const recordExec: Handler = ({ steps }, call) => {
  const isInject = call.args.includes('agent-inject');
  record(steps, call, isInject ? { endsFor: call.args[2]! } : {});
  if (call.args.includes('proxy-grant')) return succeed(call, unknownCertificate);
  return succeed(call, isInject ? 'started' : '');
};

const never = '0001-01-01T00:00:00Z';

const runningContainer = (
  { id, name, labels, image = '', networks: names }: Created,
  networks: Recording['networks'],
) => ({
  ...{ Id: id, Name: name, Created: never, Image: image },
  State: { Status: 'running', ExitCode: 0, StartedAt: never, FinishedAt: never },
  Config: { Labels: labels, Image: image },
  NetworkSettings: {
    Networks: Object.fromEntries(names.map(own => [own, { NetworkID: networks.get(own)?.id ?? own }])),
  },
});

const recordRemove: Handler = ({ steps, containers }, call) => {
  record(steps, call);
  containers.delete(call.last);
  return succeed(call, call.last);
};

const recordStart: Handler = ({ steps }, call) => {
  record(steps, call);
  // An attached container prints only what it found wrong.
  return succeed(call, call.args.includes('--attach') ? '' : call.last);
};

const recordOther: Handler = ({ steps }, call) => {
  record(steps, call);
  return succeed(call, call.last);
};

const handlers: Readonly<Record<string, Handler>> = {
  build: recordImage,
  pull: recordImage,
  create: recordCreate,
  network: recordNetwork,
  image: inspectImage,
  ps: listContainers,
  container: inspectContainer,
  info: ({ real }, call) => (real ? real(call.args, call.options) : failure(call, 'no engine')),
  exec: recordExec,
  rm: recordRemove,
  start: recordStart,
};
