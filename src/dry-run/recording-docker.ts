import { createHash } from 'node:crypto';
import type { Docker, DockerAnswer } from '../docker/cli.ts';
import { label } from '../docker/labels.ts';

/** One docker command that a run would make. */
export interface Step {
  /** null: for all agents. */
  readonly agent: string | null;
  /** Where it is not docker: what the host itself does for a workspace. */
  readonly program?: 'cp' | 'mkdir';
  /** What stands behind `docker`. A word that `names` knows stands for what an earlier step printed. */
  readonly args: readonly string[];
  /** What it prints is a tar stream for this directory. */
  readonly unpacks?: string;
  /** What the command reads on stdin. */
  readonly input?: string;
  /** The name under which later steps refer to what it prints. */
  readonly prints?: string;
  /** What it must print for the flow to go on. */
  readonly expects?: string;
  /** The container whose end excuses a failure: an agent may be done before the command that started it answers. */
  readonly endsFor?: string;
}

/** What a rehearsed docker has made of containers, or of networks. */
interface Made {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isInternal?: boolean;
  /** Of a container: the names of its networks. */
  readonly networks: string[];
}

/** A docker that notes what would change something, and from then on answers as if it had. */
export type RecordingDocker = ReturnType<typeof recordingDocker>;

export function recordingDocker(steps: Step[], names: Map<string, string>, real: Docker | null) {
  const images = new Map<string, { id: string; labels: Record<string, string> }>();
  const networks = new Map<string, Made>();
  const containers = new Map<string, Made>();
  const note = (step: Step) => void steps.push(step);
  /** An id as docker would give one, that stands for a name. */
  const madeUp = (name: string) => {
    const id = createHash('sha256').update(name).digest('hex');
    names.set(id, name);
    return id;
  };

  const docker: Docker = async (args, options = {}) => {
    const { owner = null, input } = options;
    const answer = (stdout: string, stderr = ''): DockerAnswer => {
      const ok = stderr === '';
      return { args, ok, exitCode: ok ? 0 : 1, stdout, stderr, interrupted: null };
    };
    const step = (more: Partial<Step> = {}) =>
      note({
        agent: owner?.agent ?? null,
        args,
        ...(input === undefined ? {} : { input: String(input) }),
        ...more,
      });
    const last = args.at(-1)!;
    // Whether the engine has GPUs is asked with a container of its own: a question, not a step.
    if (args.some(arg => arg.includes('tmux-agents-probe'))) return answer('');

    switch (args[0]) {
      case 'build':
      case 'pull': {
        // Where the builder writes the id is nobody's business: the image is asked for by its tag.
        step({ args: args.filter(arg => !arg.startsWith('--iidfile=')) });
        const name = args[0] === 'pull' ? last : values(args, 'tag')[0]!;
        const variable = `image_${images.size + 1}`;
        const id = madeUp(variable);
        note({ agent: null, args: ['image', 'inspect', '--format={{.Id}}', '--', name], prints: variable });
        images.set(name, { id, labels: labelsOf(args) });
        return answer(id);
      }
      case 'create': {
        const labels = labelsOf(args);
        const role = labels[label.role];
        const [name = ''] = values(args, 'name');
        // For an image that is changed before it is used.
        if (role === undefined) {
          step();
          return answer('');
        }
        const list = name.split('-').at(-1)!;
        const variable = owner ? `container_${owner.agent}_${owner.attempt}` : `${role}_${list}`;
        step({ prints: variable });
        const id = madeUp(variable);
        containers.set(id, { id, name, labels, networks: values(args, 'network') });
        return answer(id);
      }
      case 'network':
        return rehearsedNetwork();
      case 'image': {
        const planned = images.get(last);
        if (planned) return answer(JSON.stringify([{ Id: planned.id, Config: { Labels: planned.labels } }]));
        return real ? real(args, options) : answer('', 'Error: No such image');
      }
      case 'ps': {
        const [network] = values(args, 'filter').filter(filter => filter.startsWith('network='));
        const named = [...networks.values()].find(({ id }) => `network=${id}` === network)?.name;
        const listed = [...containers.values()].filter(
          made => hasLabels(made, args) && (network === undefined || made.networks.includes(named ?? '')),
        );
        const row = ({ id, name }: Made) =>
          JSON.stringify({ ID: id, State: 'exited', Names: name, Labels: '' });
        return answer(listed.map(row).join('\n'));
      }
      case 'container':
        return answer('[]');
      case 'info':
        return real ? real(args, options) : answer('', 'no engine');
      case 'exec': {
        const injects = args.includes('agent-inject');
        step(injects ? { endsFor: args[2]! } : {});
        return answer(injects ? 'started' : '');
      }
      case 'rm':
        step();
        containers.delete(last);
        return answer(last);
      case 'start':
        step();
        // What an attached container prints is all that it has found wrong.
        return answer(args.includes('--attach') ? '' : last);
      default:
        step();
        return answer(last);
    }

    async function rehearsedNetwork(): Promise<DockerAnswer> {
      switch (args[1]) {
        case 'create': {
          const labels = labelsOf(args);
          const variable = `network_${networks.size + 1}`;
          // One that stays is only ever spoken of by its name.
          step(labels[label.runId] === undefined ? {} : { prints: variable });
          const isInternal = args.includes('--internal');
          networks.set(last, { id: madeUp(variable), name: last, labels, isInternal, networks: [] });
          return answer(networks.get(last)!.id);
        }
        case 'inspect': {
          const found = [...networks.values()].filter(({ id }) => args.includes(id));
          const row = ({ id, name, labels, isInternal }: Made) =>
            ({ Id: id, Name: name, Driver: 'bridge', Internal: isInternal, Labels: labels }) as const;
          return answer(JSON.stringify(found.map(row)));
        }
        case 'connect':
          step();
          containers.get(last)?.networks.push(nameOf(args[2]!));
          return answer('');
        case 'rm':
          step();
          networks.delete(nameOf(last));
          return answer(last);
        default: {
          const asked = values(args, 'filter').map(filter => /^name=\^(.*)\$$/.exec(filter)?.[1]);
          const [name] = asked.filter(Boolean);
          const found = [...networks.values()].filter(
            made => (name === undefined || made.name === name) && hasLabels(made, args),
          );
          const row = ({ id, name }: Made) => JSON.stringify({ ID: id, Name: name, Driver: 'bridge' });
          if (args.includes('--quiet')) return answer(found.map(({ id }) => id).join('\n'));
          if (found.length > 0) return answer(found.map(row).join('\n'));
          return real ? real(args, options) : answer('');
        }
      }
    }
  };

  const nameOf = (id: string) => [...networks.values()].find(network => network.id === id)?.name ?? '';
  return { docker, made: () => [...containers.values()] };
}

/** All those that a call filters by. */
const hasLabels = ({ labels }: Made, args: readonly string[]) =>
  values(args, 'filter')
    .filter(filter => filter.startsWith('label='))
    .every(filter => {
      const [, key = '', value] = /^label=([^=]+)(?:=(.*))?$/.exec(filter) ?? [];
      return value === undefined ? Object.hasOwn(labels, key) : labels[key] === value;
    });

/** Of `--name=value`, as often as it is given. */
const values = (args: readonly string[], name: string) =>
  args.filter(arg => arg.startsWith(`--${name}=`)).map(arg => arg.slice(name.length + 3));

const labelsOf = (args: readonly string[]) =>
  Object.fromEntries(
    values(args, 'label').map(label => {
      const [key = '', ...value] = label.split('=');
      return [key, value.join('=')];
    }),
  );
