import { createHash } from 'node:crypto';
import { createActor, fromPromise } from 'xstate';
import type { StepInput } from '../../machines/agent-types.ts';
import { flowMachine } from '../../machines/flow.ts';
import type { End, EndRecord } from '../../machines/outcome.ts';
import { agentIn } from '../actors/provide.ts';
import type { Docker, DockerAnswer } from '../docker/cli.ts';
import { containers as containersOf } from '../docker/containers.ts';
import type { EngineInfo } from '../docker/engine-info.ts';
import { unrecorded } from '../docker/recorder.ts';
import type { Watcher } from '../docker/watch.ts';
import { FlowError } from '../errors.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { systemClock } from './clock.ts';
import { blankRecord } from './record.ts';
import { cloneSteps, savingSteps } from './rehearse-workspace.ts';
import { newRunId, type StateDir } from './state-dir.ts';
import { createWorld } from './world.ts';

/** One docker command that a run would make. */
export interface Step {
  /** null: for all agents. */
  readonly agent: string | null;
  /** Where it is not docker: what the host itself does for a workspace. */
  readonly program?: 'git' | 'mkdir';
  /** What stands behind `docker`. A word that `names` knows stands for what an earlier step printed. */
  readonly args: readonly string[];
  /** What the command reads on stdin. */
  readonly input?: string;
  /** The name under which later steps refer to what it prints. */
  readonly prints?: string;
  /** What it must print for the flow to go on. */
  readonly expects?: string;
  /** The container whose end excuses a failure: an agent may be done before the command that started it answers. */
  readonly endsFor?: string;
}

export interface Rehearsal {
  readonly runId: string;
  readonly steps: readonly Step[];
  /** The ids that were made up, and the name that the step which would print them gives them. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Goes through a flow with the machines and actors of a real run, one agent at a time, each of which succeeds; but
 * what changes anything is noted instead of done. What only looks goes to `docker`, where there is an engine.
 */
export async function rehearse(
  plan: FlowPlan,
  {
    stateDir,
    docker: real,
    engine,
    commits,
  }: {
    stateDir: StateDir;
    docker: Docker | null;
    engine: EngineInfo;
    commits: Readonly<Record<string, string>>;
  },
): Promise<Rehearsal> {
  const folder = stateDir.run(newRunId());
  const steps: Step[] = [];
  const names = new Map<string, string>();
  const docker = rehearsedDocker(steps, names, real);
  const world = createWorld({
    plan,
    stateDir,
    folder,
    secret: folder.runId,
    docker,
    containers: containersOf(docker),
    recorder: unrecorded,
    watcher: nobodyEnds,
    engine,
    gate: work => work(),
    clock: systemClock,
    record: () => blankRecord,
    attempts: () => [],
    commits,
    hurry: () => new AbortController().signal,
    tell: async () => {},
    async makeClone(wish, { name: agent }) {
      for (const [program, args] of cloneSteps(wish)) steps.push({ agent, program, args });
    },
    halt: () => {},
    signal: new AbortController().signal,
  });
  const noted = <Output>(output: Output, step: (id: string) => Omit<Step, 'agent'>) =>
    fromPromise<Output, StepInput>(async ({ input }) => {
      steps.push({ agent: input.name, ...step(input.containerId!) });
      return output;
    });
  const agent = agentIn(world).provide({
    actors: {
      watch: noted<End | 'overdue'>({ exitCode: 0, oomKilled: false, how: 'died', at: 0 }, id => ({
        args: ['wait', id],
        expects: '0',
      })),
      collect: fromPromise<{ record: EndRecord | null }, StepInput>(async ({ input, signal }) => {
        steps.push({ agent: input.name, args: ['logs', input.containerId!] });
        steps.push(...(await savingSteps(world, input, signal)));
        return { record: { how: 'exit', code: 0, oomKills: 0 } };
      }),
    },
  });
  const flow = createActor(flowMachine.provide({ actors: { agent } }), {
    input: { agents: plan.agents, concurrency: 1 },
  });
  const over = new Promise<void>((resolve, reject) => {
    flow.subscribe({ complete: resolve, error: reject });
  });
  flow.start();
  await over;
  const failed = Object.values(flow.getSnapshot().output?.agents ?? {}).find(({ error }) => error !== null);
  if (failed?.error)
    throw new FlowError(
      `agents.${failed.name}: ${failed.error.message}`,
      failed.error.kind === 'image' ? 1 : 3,
    );
  return { runId: folder.runId, steps, names };
}

const nobodyEnds: Watcher = {
  ended: () => Promise.reject(new Error('nothing ends in a rehearsal')),
  answers: async () => {},
  closed: Promise.resolve(),
};

/** A docker that notes what would change something, and from then on answers as if it had. */
function rehearsedDocker(steps: Step[], names: Map<string, string>, real: Docker | null): Docker {
  const images = new Map<string, { id: string; labels: Record<string, string> }>();
  const networks = new Map<string, { ID: string; Name: string; Driver: string }>();
  const note = (step: Step) => void steps.push(step);
  /** An id as docker would give one, that stands for a name. */
  const madeUp = (name: string) => {
    const id = createHash('sha256').update(name).digest('hex');
    names.set(id, name);
    return id;
  };

  return async (args, options = {}) => {
    const { owner = null, input } = options;
    const answer = (stdout: string, stderr = ''): DockerAnswer => {
      const ok = stderr === '';
      return { args, ok, exitCode: ok ? 0 : 1, stdout, stderr, cutOff: null };
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
        step();
        const name = args[0] === 'pull' ? last : values(args, 'tag')[0]!;
        const variable = `image_${images.size + 1}`;
        const id = madeUp(variable);
        note({ agent: null, args: ['image', 'inspect', '--format={{.Id}}', '--', name], prints: variable });
        images.set(name, { id, labels: labelsOf(args) });
        return answer(id);
      }
      case 'create': {
        // For an image that is changed before it is used.
        if (owner === null) {
          step();
          return answer('');
        }
        const variable = `container_${owner.agent}_${owner.attempt}`;
        step({ prints: variable });
        return answer(madeUp(variable));
      }
      case 'network':
        if (args[1] === 'create') {
          step();
          networks.set(last, { ID: madeUp(`network_${networks.size + 1}`), Name: last, Driver: 'bridge' });
          return answer(networks.get(last)!.ID);
        }
        for (const filter of values(args, 'filter')) {
          const made = networks.get(filter.slice('name=^'.length, -1));
          if (made) return answer(JSON.stringify(made));
        }
        return real ? real(args, options) : answer('');
      case 'image': {
        const planned = images.get(last);
        if (planned) return answer(JSON.stringify([{ Id: planned.id, Config: { Labels: planned.labels } }]));
        return real ? real(args, options) : answer('', 'Error: No such image');
      }
      case 'ps':
        return answer('');
      case 'container':
        return answer('[]');
      case 'info':
        return real ? real(args, options) : answer('', 'no engine');
      case 'exec': {
        const injects = args.includes('agent-inject');
        step(injects ? { endsFor: args[2]! } : {});
        return answer(injects ? 'started' : '');
      }
      default:
        step();
        return answer(last);
    }
  };
}

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
